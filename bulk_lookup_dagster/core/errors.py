"""The error tree: every failure the platform can name, by meaning.

    BulkLookupError
    ├── InputError               the user's file, option or request is wrong
    │   └── UploadRefused        a whole file cannot be taken in
    ├── ConfigError              settings, credentials or environment are wrong
    ├── StorageError             the database cannot be used as asked
    ├── FilesError               the folder or bucket of files cannot be used as asked
    ├── SpendingError            money may not be spent
    │   ├── ApprovalNeeded       the plan waits for a person
    │   ├── CapReached           the next request does not fit under a cap
    │   └── NoPrice              the operation has no list price, so it cannot be reserved
    └── ProviderError            one exchange with a vendor failed
        ├── TransientFailure     back off and ask again
        ├── RateLimited          the vendor said "slower"
        ├── QuotaExceeded        allowance or money at the vendor is gone
        ├── AuthFailed           credentials or access are wrong: stop the provider
        ├── PermanentFailure     this input will never work
        ├── BadResponse          an answer came that the vendor's contract does not allow
        ├── UnknownOutcome       the request was written, no answer was read
        └── ProviderUnavailable  not asked: paused, stopped or circuit open

Belongs here: classes that carry meaning. Does not: translation to HTTP, exit codes or
`dg.Failure` (see `web`, `cli`, `orchestration.failures`).
"""

from __future__ import annotations

from datetime import datetime, timedelta


class BulkLookupError(Exception):
    """Base of all errors the platform raises on purpose.

    `code` is a stable snake_case identifier; `fix` says what the reader can do about it.
    Neither the message nor `fix` may contain personal data.
    """

    code = "error"

    def __init__(self, message: str, *, fix: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.fix}".strip()


class InputError(BulkLookupError):
    """The user's file, option or request is wrong."""

    code = "invalid_input"


class UploadRefused(InputError):
    """A whole file cannot be taken in; nothing of it was stored except the refusal."""

    code = "upload_refused"


class ConfigError(BulkLookupError):
    """Settings, credentials or environment are wrong."""

    code = "configuration"


class StorageError(BulkLookupError):
    """The database cannot be used as asked."""

    code = "storage"


class FilesError(BulkLookupError):
    """The folder or bucket of files cannot be reached, read or written."""

    code = "files"


class SpendingError(BulkLookupError):
    """Money may not be spent."""

    code = "spending"


class ApprovalNeeded(SpendingError):
    """The plan waits for a person's approval."""

    code = "approval_needed"


class CapReached(SpendingError):
    """The next request does not fit under a cap."""

    code = "cap_reached"


class NoPrice(SpendingError):
    """The operation has no list price, so its cost cannot be reserved."""

    code = "no_price"


class ProviderError(BulkLookupError):
    """One exchange with a vendor failed.

    `unbilled` is True only when the vendor provably did not charge: nothing was written to the
    wire, or the vendor's file lists the answer as free. `stops_provider` is True when asking
    again for any subject is pointless until a person acts or a known time passes.
    """

    code = "provider"
    unbilled = False
    stops_provider = False
    retryable = False

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        vendor_code: str | None = None,
        retry_after: timedelta | None = None,
        until: datetime | None = None,
        unbilled: bool | None = None,
        fix: str = "",
    ) -> None:
        super().__init__(message, fix=fix)
        self.status = status
        self.vendor_code = vendor_code
        self.retry_after = retry_after
        self.until = until
        if unbilled is not None:
            self.unbilled = unbilled


class TransientFailure(ProviderError):
    """A passing fault: a 5xx, a refused or dropped connection before anything was written."""

    code = "transient"
    retryable = True


class RateLimited(ProviderError):
    """The vendor said "slower" and did not process the request."""

    code = "rate_limited"
    retryable = True
    unbilled = True


class QuotaExceeded(ProviderError):
    """Allowance or money at the vendor is gone until `until`, or until a person acts."""

    code = "quota"
    unbilled = True
    stops_provider = True


class AuthFailed(ProviderError):
    """Credentials, scopes or access are wrong."""

    code = "auth"
    unbilled = True
    stops_provider = True


class PermanentFailure(ProviderError):
    """This input will never be answered."""

    code = "permanent"


class BadResponse(ProviderError):
    """An answer came, but malformed, truncated, oversized or of the wrong type.

    The request was processed as far as anybody knows, so it counts as paid.
    """

    code = "bad_response"


class UnknownOutcome(ProviderError):
    """The request was written and no answer was read: the vendor may have charged."""

    code = "unknown_outcome"


class ProviderUnavailable(ProviderError):
    """The provider was not asked: paused, stopped or its circuit is open. Never "no data"."""

    code = "unavailable"
    unbilled = True
    retryable = True
