"""A binding as it is stored (RFC 3261 §10, RFC 5626)."""

from pydantic import BaseModel, ConfigDict


class StoredBinding(BaseModel):
    """One registered contact of an extension, with what is needed to reach it again after a restart.

    `key` is its identity: "<instance-id>;reg-id" where the phone has one, else the contact URI.
    `expires_at` and `registered_at` are Unix seconds. `transport` is as in `Hop`.
    """

    model_config = ConfigDict(frozen=True)

    extension_id: int
    key: str
    contact: str
    instance_id: str | None = None
    reg_id: int | None = None
    call_id: str
    cseq: int
    path: tuple[str, ...] = ()
    transport: str
    remote_host: str
    remote_port: int
    local_host: str
    local_port: int
    user_agent: str = ""
    q: float = 1.0
    expires_at: float
    registered_at: float
