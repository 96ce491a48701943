"""Every error Veriscope raises on purpose.

    VeriscopeError
    ├── InputError            the input cannot be analysed; the caller can act on it
    │   ├── UnsupportedMedia  not a picture we read, or a damaged one
    │   ├── TooLarge          over a limit of `settings.Limits`
    │   ├── UnreadableSource  missing file, directory, no permission
    │   └── UnsafeUrl         scheme, address or redirect that must not be fetched
    ├── RemoteError           the network or the server at the other end failed
    ├── ModelError            a detector cannot run
    │   ├── MissingExtra      an optional package is not installed
    │   ├── WeightsUnavailable
    │   ├── ChecksumMismatch  the file is not the one the card or the lock pins
    │   ├── UnsafeModel       a model from elsewhere that cannot be opened without danger
    │   ├── AccessRefused     the Hub wants a token, or terms to be accepted
    │   ├── LicenceRefused    the licence forbids commercial use, and nobody accepted it
    │   └── UnsupportedModel  a model that does not say, in a way known here, how it is run
    ├── Busy                  too many inputs are waiting already
    └── DataError             a card, catalogue or law file of ours is invalid

A message says what happened, then what to do. `code` is stable, for programs; the message is for people.
"""


class VeriscopeError(Exception):
    """Base of all errors raised on purpose."""

    code = "error"


class InputError(VeriscopeError):
    """The input cannot be analysed."""

    code = "input"


class UnsupportedMedia(InputError):
    """The bytes are not a picture that can be read."""

    code = "unsupported_media"


class TooLarge(InputError):
    """The input is over one of the limits."""

    code = "too_large"


class UnreadableSource(InputError):
    """The file is missing, a directory, empty or protected."""

    code = "unreadable_source"


class UnsafeUrl(InputError):
    """The address must not be fetched."""

    code = "unsafe_url"


class RemoteError(VeriscopeError):
    """The network or the server at the other end failed."""

    code = "remote"


class ModelError(VeriscopeError):
    """A detector cannot run."""

    code = "model"


class MissingExtra(ModelError):
    """An optional package is not installed."""

    code = "missing_extra"


class WeightsUnavailable(ModelError):
    """The weights of a detector cannot be found."""

    code = "weights_unavailable"


class ChecksumMismatch(ModelError):
    """A file is not the one that its card or the lock pins."""

    code = "checksum_mismatch"


class UnsupportedModel(ModelError):
    """A model from elsewhere does not say, in a way that is known here, how it is run or what its answer means."""

    code = "unsupported_model"


class UnsafeModel(ModelError):
    """A model from elsewhere that cannot be opened without danger, or is not in the layout that is read."""

    code = "unsafe_model"


class AccessRefused(ModelError):
    """The Hub wants a token, or terms to be accepted, before it gives a model away."""

    code = "access_refused"


class LicenceRefused(ModelError):
    """The licence forbids commercial use, and nobody accepted that."""

    code = "licence_refused"


class Busy(VeriscopeError):
    """Too many inputs are waiting; nothing was examined."""

    code = "busy"


class DataError(VeriscopeError):
    """A card, catalogue or law file of ours is invalid."""

    code = "data"
