"""Find plug-ins by name, without importing any until one is asked for.

Three doors lead in: an entry point of an installed package (the built-ins use it too),
the decorator :func:`register`, and a dotted path such as ``my_package.my_module:MyRestorer``.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from importlib.metadata import EntryPoint
from typing import Any, Generic, TypeVar, cast

from restore_recog import api, specs
from restore_recog.errors import (
    PluginClashError,
    PluginError,
    PluginImportError,
    UnknownPluginError,
)
from restore_recog.labels import EXPRESSION, GENDER
from restore_recog.packages import distribution, entry_points, importing

T = TypeVar("T")
C = TypeVar("C", bound=type[Any])


class Registry(Generic[T]):
    """The plug-ins of one group.

    Attributes:
        group: The entry-point group, e.g. ``restore_recog.restorers``.
        kind: What one of them is called in messages, e.g. ``restorer``.
        base: The class that every plug-in of the group inherits from.
        advice: A light module whose ``advice`` answers specs that are none, or ``""``.
    """

    def __init__(self, group: str, kind: str, base: Any, advice: str = "") -> None:
        self.group = f"restore_recog.{group}"
        self.kind, self.advice = kind, advice
        self.base: type[T] = base
        self._registered: dict[str, type[T]] = {}

    def names(self) -> list[str]:
        """Return every name, sorted; reads package metadata only, imports nothing."""
        return sorted({*self._installed(), *self._registered})

    def origin(self, name: str) -> str:
        """Return which installed package a name comes from, e.g. ``restore-recog 0.1.0``.

        Raises:
            UnknownPluginError: The name is not registered.
        """
        if name in self._registered:
            return "registered in this session"
        points = self._installed().get(name)
        if not points:
            raise UnknownPluginError(self._unknown(name))
        return " and ".join(distribution(point) for point in points)

    def check(self, spec: str) -> None:
        """Check that a name is known, without importing anything.

        Args:
            spec: As for :meth:`load`; a dotted path is not looked into.

        Raises:
            UnknownPluginError: Nothing of that name is registered.
            PluginClashError: Two packages claim the name.
        """
        name, _ = specs.split(spec)
        if name not in self._registered and not self.is_path(spec):
            self._entry_point(spec)

    def is_path(self, spec: str) -> bool:
        """Return whether a spec is ``module:Class`` and not ``name:argument``.

        Plug-in names have no dots, and classes are capitalised; a registered name goes first.
        """
        name, argument = specs.split(spec)
        if not argument or name in self._registered or name in self._installed():
            return False
        return "." in name or argument[0].isupper()

    def load(self, spec: str) -> type[T]:
        """Import and return the plug-in class.

        Args:
            spec: ``name``, ``name:argument`` (the argument is ignored here) or
                ``package.module:Class``, which may be followed by ``:argument``.

        Raises:
            UnknownPluginError: Nothing of that name is registered.
            PluginImportError: It cannot be imported, or does not inherit from ``base``.
            PluginClashError: Two packages claim the name.
        """
        return self._resolve(spec)[0]

    def argument(self, spec: str) -> str | None:
        """Return what follows the plug-in's name; errors as for :meth:`load`."""
        return self._resolve(spec)[1]

    def create(self, spec: str, **options: Any) -> T:
        """Return a new plug-in object.

        Args:
            spec: As for :meth:`load`; an argument becomes the first positional argument, and what
                follows in ``name=FILE`` the keyword argument ``weights``.
            options: Keyword arguments of the constructor; ``weights`` may be ``hf:USER/REPO``,
                and None stands for no weights file.

        Raises:
            PluginError: As :meth:`load`, or the constructor does not take these arguments.
            WeightsError: There is no such file, or another is given beside it.
        """
        plugin, argument = self._resolve(spec)
        options |= specs.weights_option(self.kind, spec, options.get("weights"))
        arguments = [] if argument is None else [argument]
        try:
            inspect.signature(plugin).bind(*arguments, **options)
        except TypeError as error:
            shown = ", ".join([*map(repr, arguments), *(f"{key}=..." for key in options)])
            raise PluginError(
                f"The {self.kind} '{spec}' cannot be made with {plugin.__name__}({shown}): {error}."
            ) from error
        try:
            return plugin(*arguments, **options)
        except SystemExit as error:
            raise PluginError(
                f"The {self.kind} '{spec}' called sys.exit({error.code!r}) while it was made; it "
                "should raise an exception instead."
            ) from error

    def obtain(self, given: str | T, **options: Any) -> T:
        """Return a plug-in object as it is given, or :meth:`create` the one that a name means.

        Raises:
            PluginError: As :meth:`create`, or it is neither a name nor of this kind.
        """
        if isinstance(given, str):
            return self.create(given, **options)
        if isinstance(given, self.base):
            return given
        raise PluginError(
            f"A {self.kind} is given by its name or as an object of a class that inherits from "
            f"restore_recog.api.{self.base.__name__}, not as {given!r}."
        )

    def add(self, name: str, plugin: type[T]) -> None:
        """Register a class for this process only.

        A class that was defined again (a cell of a notebook that ran twice) takes the place of
        its earlier self.

        Raises:
            PluginImportError: It does not inherit from ``base``, or lacks one of its methods.
            PluginClashError: An installed package or another class has that name already.
        """
        self._check_base(plugin, _path(plugin))
        known = self._registered.get(name)
        if self._installed().get(name):
            owner = self.origin(name)
        elif known is not None and _path(known) != _path(plugin):
            owner = f"the class {_path(known)}"
        else:
            self._registered[name] = plugin
            return
        raise PluginClashError(
            f"The {self.kind} name '{name}' is taken by {owner}; register yours under another name."
        )

    def remove(self, name: str) -> None:
        """Forget a class that :meth:`add` registered."""
        self._registered.pop(name, None)

    def _resolve(self, spec: str) -> tuple[type[T], str | None]:
        name, argument = specs.split(spec)
        if name in self._registered:
            return self._registered[name], argument
        if self.is_path(spec):
            attribute, _, rest = cast(str, argument).partition(":")
            return self._dotted(name, attribute), rest or None
        return self._import(self._entry_point(spec)), argument

    def _installed(self) -> dict[str, list[EntryPoint]]:
        points: dict[str, list[EntryPoint]] = {}
        for point in entry_points(self.group):
            points.setdefault(point.name, []).append(point)
        return points

    def _entry_point(self, spec: str) -> EntryPoint:
        name, _ = specs.split(spec)
        points = self._installed().get(name)
        if not points:
            raise UnknownPluginError(self._unknown(spec))
        if len(points) > 1:
            claims = " and ".join(f"{distribution(p)} ({p.value})" for p in points)
            raise PluginClashError(
                f"The {self.kind} name '{name}' is claimed by {claims}; uninstall one of them "
                "or name the class by its dotted path."
            )
        return points[0]

    def _unknown(self, spec: str) -> str:
        names, name = self.names(), specs.split(spec)[0]
        if not names:
            return (
                f"No {self.kind} named '{name}': no plug-ins are registered at all; "
                "run 'pip install .' (or 'pip install -e .') in the checkout."
            )
        near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
        said = importlib.import_module(self.advice).advice(spec) if self.advice else ""
        hint = said or (f"Did you mean '{near[0]}'? " if near else "")
        return f"No {self.kind} named '{name}'. {hint}Installed: {', '.join(names)}."

    def _import(self, point: EntryPoint) -> type[T]:
        where = f"'{point.name}' of {distribution(point)}"
        with importing(f"The {self.kind} {where}", point.value):
            plugin = point.load()
        return self._check_base(plugin, where)

    def _dotted(self, module: str, attribute: str) -> type[T]:
        where = f"{module}:{attribute}"
        with importing(f"The {self.kind} '{where}'", where):
            plugin = getattr(importlib.import_module(module), attribute)
        return self._check_base(plugin, where)

    def _check_base(self, plugin: object, where: str) -> type[T]:
        if not (isinstance(plugin, type) and issubclass(plugin, self.base)):
            raise PluginImportError(
                f"The {self.kind} {where} is not a class that inherits from "
                f"restore_recog.api.{self.base.__name__}."
            )
        missing = sorted(getattr(plugin, "__abstractmethods__", ()))
        if missing:
            raise PluginImportError(f"The {self.kind} {where} does not define {missing[0]}().")
        return plugin


def _path(plugin: type[Any]) -> str:
    return f"{plugin.__module__}:{plugin.__qualname__}"


restorers: Registry[api.Restorer] = Registry("restorers", "restorer", api.Restorer)
segmenters: Registry[api.Segmenter] = Registry("segmenters", "segmenter", api.Segmenter)
protocols: Registry[api.EvaluationProtocol] = Registry(
    "protocols", "protocol", api.EvaluationProtocol
)
recognizers: Registry[api.Recognizer] = Registry(
    "recognizers", "recogniser", api.Recognizer, "restore_recog.recognizers.spelling"
)
classifiers: Registry[api.Classifier] = Registry("classifiers", "classifier", api.Classifier)
landmarkers: Registry[api.Landmarker] = Registry("landmarkers", "landmarker", api.Landmarker)
datasets: Registry[api.Dataset] = Registry(
    "datasets", "data set", api.Dataset, "restore_recog.datasets.spelling"
)

DEFAULT_RECOGNIZER = "timm"
DEFAULT_CLASSIFIERS = {EXPRESSION: "resnet18", GENDER: "gender"}
DEFAULT_LANDMARKER = "hourglass"
"""What ships with weights: the core asks for it where none is named."""

GROUPS: dict[str, Registry[Any]] = {
    one.group.partition(".")[2]: one
    for one in (restorers, segmenters, protocols, recognizers, classifiers, landmarkers, datasets)
}
"""The groups in the order in which they are listed."""


def register(plugin: C, *, name: str | None = None) -> C:
    """Make a plug-in class known by its name in this process, and return it.

    A function, or a decorator of the class. The kind follows from the class that it inherits
    from; a class of several kinds is registered as each of them.

    Args:
        plugin: Child of a contract of :mod:`restore_recog.api`.
        name: What to call it; the class attribute ``name`` by default.

    Raises:
        PluginImportError: It is not a plug-in class, lacks a method, or has no usable name.
        PluginClashError: An installed package or another class has that name.
    """
    where = _path(plugin) if isinstance(plugin, type) else repr(plugin)
    groups = [g for g in GROUPS.values() if isinstance(plugin, type) and issubclass(plugin, g.base)]
    if not groups:
        bases = ", ".join(group.base.__name__ for group in GROUPS.values())
        raise PluginImportError(
            f"{where} is not a plug-in class; inherit from one of {bases} of restore_recog.api."
        )
    called = name or getattr(plugin, "name", None)
    if not isinstance(called, str) or not called or set(called) & set(":=, "):
        raise PluginImportError(
            f"The {groups[0].kind} {where} needs a class attribute 'name' without spaces, commas, "
            "colons and equals signs."
        )
    for group in groups:
        group.add(called, plugin)
    return plugin
