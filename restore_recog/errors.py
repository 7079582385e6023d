"""Errors a user can cause and fix.

Every class here is shown by the command line as one sentence without a
traceback. Anything else that is raised is a bug and keeps its traceback.
"""


class RestoreRecogError(Exception):
    """Base of all expected failures; the message says what, where and what to do."""


class PluginError(RestoreRecogError):
    """A plug-in is unknown, does not import, or its name is taken twice."""


class UnknownPluginError(PluginError):
    """No plug-in of that name is installed."""


class PluginImportError(PluginError):
    """A plug-in is registered but cannot be imported or is of the wrong kind."""


class PluginClashError(PluginError):
    """Two installed packages claim one plug-in name."""


class DataError(RestoreRecogError):
    """A data set is missing, empty or does not fit what was asked of it."""


class ImageError(RestoreRecogError):
    """One image cannot be read or used; the failure ledger records it."""


class NoFaceError(ImageError):
    """No face was found in an image."""


class SeveralFacesError(ImageError):
    """More than one face was found and the policy asks for exactly one."""


class WeightsError(RestoreRecogError):
    """A weights file is missing, corrupt, or belongs to another model."""


class CheckpointError(RestoreRecogError):
    """A training checkpoint is missing, corrupt or does not fit this run."""


class TrainingError(RestoreRecogError):
    """Training cannot start or had to stop (NaN loss, too few images)."""


class NotTrainableError(TrainingError):
    """The plug-in has nothing to train."""


class DeviceError(RestoreRecogError):
    """The device asked for does not exist on this machine."""


class OutputError(RestoreRecogError):
    """Results cannot be written: the folder exists, or the disk is full."""


def first_line(error: BaseException) -> str:
    """Return the first line of what an error of another library says, or what kind it is."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
