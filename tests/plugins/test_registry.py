"""The registry: found, unknown, broken, taken twice; each with its own message."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from restore_recog import packages, registry
from restore_recog.api import Restorer
from restore_recog.cli import main
from restore_recog.errors import (
    PluginClashError,
    PluginError,
    PluginImportError,
    UnknownPluginError,
)

GOOD = """
from restore_recog.api import Restorer

class Sponge(Restorer):
    '''Wipe.'''
    name = "sponge"

    def restore(self, batch):
        return batch.images.clone()

class NotOne:
    pass
"""


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Return a function that puts a hand-written installed package on the path."""

    def write(name: str, entry: str, module: str = "", source: str = GOOD) -> Path:
        root = tmp_path / name
        info = root / f"{name.replace('-', '_')}-1.2.3.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.3\n")
        (info / "entry_points.txt").write_text(f"[restore_recog.restorers]\n{entry}\n")
        if module:
            (root / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(str(root))
        return root

    yield write
    for module in ("sponge_plugin", "broken_plugin"):
        sys.modules.pop(module, None)


def test_a_plugin_is_found_and_gone_again(distribution):
    assert "sponge" not in registry.restorers.names()
    root = distribution("sponge-package", "sponge = sponge_plugin:Sponge", "sponge_plugin")
    assert "sponge" in registry.restorers.names()
    assert registry.restorers.origin("sponge") == "sponge-package 1.2.3"
    assert "sponge_plugin" not in sys.modules, "naming a plug-in must not import it"
    assert registry.restorers.create("sponge", device="cpu").name == "sponge"
    sys.path.remove(str(root))
    assert "sponge" not in registry.restorers.names()


def test_a_plugin_that_does_not_import_names_package_and_cause(distribution):
    distribution(
        "broken-package", "broken = broken_plugin:X", "broken_plugin", "import no_such_module_x"
    )
    assert "broken" in registry.restorers.names()
    with pytest.raises(PluginImportError, match=r"broken-package 1\.2\.3.*no_such_module_x"):
        registry.restorers.load("broken")


def test_a_plugin_without_its_class_is_an_import_error(distribution):
    distribution("sponge-package", "sponge = sponge_plugin:Gone", "sponge_plugin")
    with pytest.raises(PluginImportError, match="sponge-package.*Gone"):
        registry.restorers.load("sponge")


def test_a_plugin_of_the_wrong_kind_is_refused(distribution):
    distribution("sponge-package", "sponge = sponge_plugin:NotOne", "sponge_plugin")
    with pytest.raises(PluginImportError, match=r"restore_recog\.api\.Restorer"):
        registry.restorers.load("sponge")


def test_a_name_taken_twice_names_both_packages(distribution):
    distribution("sponge-package", "sponge = sponge_plugin:Sponge", "sponge_plugin")
    distribution("rival-package", "sponge = rival:Sponge")
    for use in (registry.restorers.load, registry.restorers.check):
        with pytest.raises(PluginClashError, match="rival-package 1.2.3.*sponge-package 1.2.3"):
            use("sponge")


def test_a_name_of_a_built_in_is_not_taken_over(distribution):
    distribution("rival-package", "telea = sponge_plugin:Sponge", "sponge_plugin")
    with pytest.raises(PluginClashError, match="restore-recog"):
        registry.restorers.load("telea")


@pytest.mark.parametrize(
    ("group", "typed", "meant"),
    [
        ("restorers", "fmdor", "fmodr"),
        ("restorers", "Telea", "telea"),
        ("protocols", "fmr", "fmor"),
        ("recognizers", "facnet", "facenet"),
        ("datasets", "phantoms", "phantom"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(group, typed, meant):
    plugins = registry.GROUPS[group]
    for use in (plugins.load, plugins.check):
        with pytest.raises(UnknownPluginError, match=f"'{typed}'.*Did you mean '{meant}'"):
            use(typed)


def test_an_unknown_name_far_from_all_lists_them():
    with pytest.raises(UnknownPluginError, match="Installed: .*fmodr") as caught:
        registry.restorers.load("zzzzzzzz")
    assert "Did you mean" not in str(caught.value)


def test_without_any_plugins_it_says_to_install(monkeypatch):
    monkeypatch.setattr(registry, "entry_points", lambda group: ())
    with pytest.raises(UnknownPluginError, match="no plug-ins are registered.*pip install"):
        registry.restorers.load("fmodr")


def test_dotted_path(distribution):
    distribution("sponge-package", "x = sponge_plugin:Sponge", "sponge_plugin")
    package = distribution("folder", "y = nothing:Nothing")
    (package / "my_package").mkdir()
    (package / "my_package" / "my_module.py").write_text(GOOD)
    assert registry.restorers.load("my_package.my_module:Sponge").name == "sponge"
    with pytest.raises(PluginImportError, match=r"my_package\.my_module:Missing"):
        registry.restorers.load("my_package.my_module:Missing")
    with pytest.raises(PluginImportError, match=r"no module 'my_package\.elsewhere'"):
        registry.restorers.load("my_package.elsewhere:Sponge")
    with pytest.raises(PluginImportError, match="inherits from"):
        registry.restorers.load("my_package.my_module:NotOne")


EXITS = "import sys\nsys.exit(0)\n"
SLOW = "import time\ntime.sleep(0.3)\n" + GOOD


@pytest.mark.parametrize("source", [EXITS, "raise SystemExit('done')\n", "raise ValueError(1)\n"])
def test_a_module_that_ends_the_program_is_named(distribution, source):
    root = distribution("exit-package", "exiter = broken_plugin:Sponge", "broken_plugin", source)
    with pytest.raises(PluginImportError, match="'exiter' of exit-package 1.2.3 cannot be imp"):
        registry.restorers.load("exiter")
    with pytest.raises(PluginImportError, match="'broken_plugin:Sponge' cannot be imported"):
        registry.restorers.load("broken_plugin:Sponge")
    shown = CliRunner().invoke(main, ["list", "restorers", "--long"])
    assert shown.exit_code == 0 and "exiter" in shown.output and "not usable: " in shown.output
    asked = CliRunner().invoke(main, ["eval", "-r", "exiter", "-o", str(root / "out")])
    assert asked.exit_code == 1 and "'exiter' of exit-package 1.2.3 cannot be" in asked.output


def test_a_slow_import_is_named(distribution, monkeypatch, capsys):
    monkeypatch.setattr(packages, "SLOW", 0.1)
    distribution("slow-package", "sponge = sponge_plugin:Sponge", "sponge_plugin", SLOW)
    registry.restorers.load("sponge")
    said = capsys.readouterr().err
    assert said == (
        "The restorer 'sponge' of slow-package 1.2.3 is still being imported from "
        "sponge_plugin:Sponge after 0.1 seconds.\n"
    )


def test_a_constructor_that_ends_the_program_is_named():
    class Leaving(Restorer):
        name = "leaving"

        def __init__(self, *, weights=None, device="cpu"):
            sys.exit("no licence")

        def restore(self, batch):
            return batch.images

    registry.restorers.add("leaving", Leaving)
    try:
        with pytest.raises(PluginError, match=r"'leaving' called sys.exit\('no licence'\)"):
            registry.restorers.create("leaving")
    finally:
        registry.restorers.remove("leaving")


def test_decorator():
    @registry.register
    class Session(Restorer):
        """Only here."""

        name = "session_only"

        def restore(self, batch):
            return batch.images

    try:
        assert registry.restorers.load("session_only") is Session
        assert registry.restorers.origin("session_only") == "registered in this session"
        registry.register(Session, name="other_name")
        assert "other_name" in registry.restorers.names()
    finally:
        registry.restorers.remove("session_only")
        registry.restorers.remove("other_name")
    assert not {"session_only", "other_name"} & set(registry.restorers.names())


def test_decorator_refuses_taken_names_and_wrong_classes():
    class Fmodr(Restorer):
        name = "fmodr"

        def restore(self, batch):
            return batch.images

    with pytest.raises(PluginClashError, match="taken by restore-recog"):
        registry.register(Fmodr)
    with pytest.raises(PluginImportError, match="inherits"):
        registry.protocols.add("mine", Fmodr)
    with pytest.raises(PluginImportError, match="not a plug-in class"):
        registry.register(object)


def test_the_argument_becomes_the_first_argument():
    seen = {}

    class Taking(Restorer):
        name = "taking"

        def __init__(self, argument="none given", *, weights=None, device="cpu"):
            super().__init__(weights=weights, device=device)
            seen["argument"] = argument

        def restore(self, batch):
            return batch.images

    registry.restorers.add("taking", Taking)
    try:
        registry.restorers.create("taking")
        assert seen["argument"] == "none given"
        registry.restorers.create("taking:/a:b")
        assert seen["argument"] == "/a:b"
    finally:
        registry.restorers.remove("taking")


def test_an_argument_nobody_wants_is_an_error():
    with pytest.raises(PluginError, match="'telea:fast' cannot be made"):
        registry.restorers.create("telea:fast")


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("a.b:C", True),
        ("a.b:c", True),
        ("module:Class", True),
        ("module:Class:argument", True),
        ("telea", False),
        ("telea:Argument", False),
        ("tele:argument", False),
        ("a.b", False),
    ],
)
def test_what_counts_as_a_path(spec, path):
    assert registry.restorers.is_path(spec) is path


@pytest.mark.parametrize(
    ("group", "name"), [(g, n) for g, plugins in registry.GROUPS.items() for n in plugins.names()]
)
def test_every_installed_plugin_loads_under_its_name(group, name):
    plugin = registry.GROUPS[group].load(name)
    assert plugin.name == name
    assert (plugin.__doc__ or "").strip()


def test_naming_plugins_imports_nothing_heavy():
    code = (
        "import sys; from restore_recog import registry;"
        "[plugins.names() for plugins in registry.GROUPS.values()];"
        "print([m for m in ('torch', 'cv2', 'timm', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
