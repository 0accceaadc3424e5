"""Who may connect: tickets that the game's own backend signs. Sole owner of PyJWT.

A ticket is a JSON Web Token (RFC 7519) in `hello.token`, signed with a shared secret (HS256) or
an Ed25519 key (EdDSA). Without keys, a server takes connections of this machine only, and reads
no tokens. One that demands a ticket, for a try or a test:

    dialogue-server ticket --make-key keys.json
    dialogue-server serve village --access-key-file keys.json
    dialogue-server ticket village --access-key-file keys.json --player ann     (prints one)

In Python: `Admission(Access(key_file="keys.json"), {})`, handed to `Listener`; `issue` signs.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any, Literal

import jwt
import msgspec
from dialogue_protocol.codes import CloseCode, ErrorCode
from dialogue_protocol.connection import HandshakeError
from jwt.algorithms import OKPAlgorithm
from msgspec import Struct

from ..engine.identity import DESIGNER, LEEWAY, LOCAL, Identity
from ..errors import SettingsError
from ..settings import Access

SECRET_BYTES = 32
"""The shortest secret of HS256 (RFC 7518, section 3.2)."""
MAX_TOKEN = 4096
"""Code points, as the wire allows."""
LATEST = 253402300800.0
"""Unix seconds by which a ticket must expire: the year 10000, where dates end."""
_FORM = (
    'write a JSON Web Key Set ({"keys": [...]}), a PEM with an Ed25519 key, or one secret of at '
    f"least {SECRET_BYTES} characters; `dialogue-server ticket --make-key FILE` makes a set"
)


class Key(Struct, frozen=True):
    """One key. `name` is its `kid`, "" for none; `sign` is None where only a public half is
    known."""

    name: str
    algorithm: Literal["HS256", "EdDSA"]
    verify: Any
    sign: Any

    def __repr__(self) -> str:
        """Without the key itself: nothing may leak it."""
        return f"Key({self.name!r}, {self.algorithm})"


class Claims(Struct, frozen=True, omit_defaults=True):
    """What a ticket says (docs/operating.md, "Tickets")."""

    exp: float
    aud: str | list[str]
    sub: str = ""
    rights: tuple[Literal["player", "designer", "operator"], ...] = ("player",)
    npcs: list[str] | None = None
    scenes: list[str] | None = None
    budget: str = ""

    def identity(self) -> Identity:
        """The same for the engine."""
        return Identity(
            player=self.sub,
            rights=frozenset(self.rights),
            npcs=None if self.npcs is None else frozenset(self.npcs),
            scenes=None if self.scenes is None else frozenset(self.scenes),
            budget=self.budget,
            expires=self.exp,
        )


_PROBLEMS: dict[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "has expired; get a new one",
    jwt.ImmatureSignatureError: "is not valid yet; compare the clocks of its maker and this server",
    jwt.InvalidIssuedAtError: "has an `iat` that is no time",
    jwt.InvalidAudienceError: "is for another service: its `aud` must be access.audience",
    jwt.InvalidIssuerError: "comes from another issuer",
    jwt.exceptions.InvalidSubjectError: "has a `sub` that is no text; it is the player's id",
    jwt.exceptions.InvalidJTIError: "has a `jti` that is no text",
    jwt.MissingRequiredClaimError: "lacks a claim; `exp` and `aud` are needed",
    jwt.InvalidSignatureError: "was not signed with the key that it names",
    jwt.InvalidAlgorithmError: "is signed by another algorithm than its key is for",
    jwt.DecodeError: "is no JSON Web Token",
    jwt.InvalidKeyError: "cannot be checked with the key that it names",
    jwt.InvalidTokenError: "is not valid",
    jwt.PyJWTError: "cannot be read",
}
"""A sentence for each way in which a ticket fails; none tells what it holds."""


class Admission:
    """Decides by token and place who a client is. Reads the key file again when it changes, so
    that keys are rotated without a restart."""

    def __init__(
        self,
        access: Access,
        environ: Mapping[str, str],
        *,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Raises SettingsError for keys that are missing or no keys. `warn` is told when a
        changed key file is of no use; the keys before stay in force then."""
        self._access = access
        self._warn = warn
        self._seen: tuple[int, int] | None = None
        self._keys = _keys_of_environment(access, environ)
        if access.key_file:
            if access.key_env:
                raise SettingsError("access.key_file and access.key_env are both set; unset one")
            self._seen = _stamp(Path(access.key_file))
            self._keys = read_key_file(Path(access.key_file))
        if access.anonymous == "never" and not self._keys:
            raise SettingsError(
                "access.anonymous is `never` and there are no keys, so nobody could connect; set "
                "access.key_file (`dialogue-server ticket --make-key FILE` makes one)"
            )

    @property
    def rule(self) -> str:
        """Who may connect, in a few words for the log."""
        match self._anonymous:
            case "never":
                return "whoever has a ticket"
            case right if self._keys:
                return f"whoever has a ticket; this machine without one, as {right}"
            case right:
                return f"this machine only, as {right}; set access.key_file to let in others"

    @property
    def takes_tickets(self) -> bool:
        """Whether clients of other machines can come in at all."""
        return bool(self._keys)

    @property
    def _anonymous(self) -> str:
        if self._access.anonymous == "auto":
            return "never" if self._keys else DESIGNER
        return self._access.anonymous

    def identify(self, token: str, *, local: bool) -> Identity:
        """Who says hello; `local`: from this machine, without a proxy. Raises HandshakeError
        (UNAUTHORIZED). Whether a ticket has expired is for the registry to judge: it may still go
        on with the session that it began."""
        self._read_again()
        if token and self._keys:
            return self._claims(token).identity()
        anonymous = self._anonymous
        if local and anonymous != "never":
            return LOCAL if anonymous == DESIGNER else Identity()
        if self._keys:
            raise _refusal("is empty; this server wants a ticket there")
        raise _refusal(
            "cannot be checked: this server has no keys (access.key_file) and takes connections "
            "of its own machine only"
        )

    def _claims(self, token: str) -> Claims:
        try:
            key = self._key(jwt.get_unverified_header(token).get("kid", ""))
            payload = jwt.decode(
                token,
                key.verify,
                algorithms=[key.algorithm],
                audience=self._access.audience,
                leeway=LEEWAY,
                options={"require": ["exp", "aud"], "verify_exp": False},
            )
        except jwt.PyJWTError as error:
            kinds = (kind for kind in type(error).__mro__ if kind in _PROBLEMS)
            raise _refusal(_PROBLEMS[next(kinds)]) from None
        except (ValueError, OverflowError, RecursionError):  # its JSON is hostile
            raise _refusal(_PROBLEMS[jwt.DecodeError]) from None
        try:
            claims = msgspec.convert(payload, Claims)
        except msgspec.ValidationError as error:
            what = str(error)[-120:]  # its end names the claim
            raise _refusal(f"has a claim of the wrong form: {what}") from None
        if not claims.exp < LATEST:  # also for NaN, which JSON in Python knows
            raise _refusal("has an `exp` that is no time (Unix seconds)")
        return claims

    def _key(self, name: str) -> Key:
        for key in self._keys:
            if key.name == name:
                return key
        if not name:
            raise _refusal("names no key (`kid`), and this server has only keys with names")
        raise _refusal("names a key (`kid`) that this server does not have")

    def _read_again(self) -> None:
        if not self._access.key_file:
            return
        path = Path(self._access.key_file)
        try:
            stamp = _stamp(path)
            if stamp == self._seen:
                return
            self._seen = stamp
            self._keys = read_key_file(path)
        except SettingsError as error:
            self._warn(f"{error.detail}; the keys that were read before stay in force")


def _refusal(problem: str) -> HandshakeError:
    return HandshakeError(
        CloseCode.UNAUTHORIZED, ErrorCode.UNAUTHORIZED, f"hello.token: the ticket {problem}."
    )


# ---------------------------------------------------------------- keys


def _stamp(path: Path) -> tuple[int, int]:
    """Changes when the file does; (0, 0) where there is none."""
    try:
        state = path.stat()
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


def read_key_file(path: Path) -> list[Key]:
    """The keys in a file. Raises SettingsError, which never holds a part of a key."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", "") or "it is not UTF-8 text"
        raise SettingsError(f"access.key_file: {path.name} cannot be read: {reason}") from None
    return read_keys(text, f"access.key_file: {path.name}")


def _keys_of_environment(access: Access, environ: Mapping[str, str]) -> list[Key]:
    if not access.key_env:
        return []
    text = environ.get(access.key_env, "")
    if not text:
        raise SettingsError(
            f"access.key_env: the variable {access.key_env} is not set; {_FORM}, and put its "
            "content there"
        )
    return read_keys(text, f"access.key_env: {access.key_env}")


def read_keys(text: str, where: str) -> list[Key]:
    """The keys of a JSON Web Key Set (RFC 7517), of one JSON Web Key, of a PEM, or a plain
    secret. Raises SettingsError that begins with `where`."""
    text = text.strip()
    if text.startswith("{"):
        keys = [_web_key(entry, f"{where}: {place}") for place, entry in _entries(text, where)]
    elif text.startswith("-----BEGIN"):
        keys = [_pem(text, where)]
    elif len(text.encode()) >= SECRET_BYTES and text.isprintable():
        keys = [Key("", "HS256", text.encode(), text.encode())]
    else:
        raise SettingsError(f"{where}: holds no keys; {_FORM}")
    names = [key.name for key in keys]
    if len(set(names)) < len(names):
        raise SettingsError(f"{where}: two keys have the same kid; give each its own")
    return keys


def _entries(text: str, where: str) -> list[tuple[str, dict[str, Any]]]:
    try:
        content = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise SettingsError(f"{where}: is not valid JSON; {_FORM}") from None
    if "kty" in content:
        return [("the key", content)]
    entries = content.get("keys")
    if (
        not isinstance(entries, list)
        or not entries
        or not all(isinstance(e, dict) for e in entries)
    ):
        raise SettingsError(f"{where}: keys: expected a list with at least one key; {_FORM}")
    return [(f"keys[{number}]", entry) for number, entry in enumerate(entries)]


def _web_key(entry: dict[str, Any], where: str) -> Key:
    name = entry.get("kid", "")
    if not isinstance(name, str):
        raise SettingsError(f"{where}.kid: must be text")
    kinds = {("oct", None): "HS256", ("OKP", "Ed25519"): "EdDSA"}
    kind = kinds.get((str(entry.get("kty")), entry.get("crv")))
    if kind is None or entry.get("alg", kind) != kind:
        raise SettingsError(
            f"{where}: must be a secret (kty oct, alg HS256) or an Ed25519 key (kty OKP, crv "
            "Ed25519, alg EdDSA)"
        )
    try:
        key = jwt.PyJWK(entry, kind).key
    except (jwt.PyJWTError, AttributeError, LookupError, TypeError, ValueError):
        raise SettingsError(f"{where}: is no whole key of its kind (RFC 7517, 8037)") from None
    if kind == "EdDSA":
        return _edwards(name, key, where)
    if len(key) < SECRET_BYTES:
        raise SettingsError(f"{where}.k: {len(key)} bytes; a secret has at least {SECRET_BYTES}")
    return Key(name, "HS256", key, key)


def _pem(text: str, where: str) -> Key:
    try:
        key = OKPAlgorithm().prepare_key(text)
    except (jwt.PyJWTError, TypeError, ValueError):
        raise SettingsError(f"{where}: is no PEM with an Ed25519 key without a password") from None
    return _edwards("", key, where)


def _edwards(name: str, key: Any, where: str) -> Key:
    if not type(key).__name__.strip("_").startswith("Ed25519"):
        raise SettingsError(f"{where}: must be an Ed25519 key")
    private = hasattr(key, "sign")
    return Key(name, "EdDSA", key.public_key() if private else key, key if private else None)


# ---------------------------------------------------------------- tickets


def make_key(name: str) -> dict[str, str]:
    """A new secret for HS256, as an entry of a JSON Web Key Set."""
    secret = base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=")
    return {"kty": "oct", "alg": "HS256", "kid": name, "k": secret}


def player_of(ticket: str) -> str:
    """Whose ticket it says it is, unchecked: for a client that opens conversations with it."""
    try:
        content = jwt.decode(ticket, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return ""
    return str(content.get("sub", ""))


def issue(keys: list[Key], claims: Claims, kid: str | None = None) -> str:
    """A ticket with these claims, signed with the key of that name, else with the last one that
    can sign: in a rotation, new keys are added at the end. Raises SettingsError."""
    fit = [key for key in keys if key.sign is not None and kid in (None, key.name)]
    if not fit:
        raise SettingsError(
            "no key here can sign: a public key only checks tickets, the private half (or the "
            "secret) makes them"
            if kid is None
            else f"no key {kid!r} here can sign; the keys are: "
            + ", ".join(repr(key.name) for key in keys)
        )
    key = fit[-1]
    headers = {"kid": key.name} if key.name else None
    token = jwt.encode(msgspec.to_builtins(claims), key.sign, key.algorithm, headers)
    if len(token) > MAX_TOKEN:
        raise SettingsError(
            f"the ticket has {len(token)} characters, a hello takes {MAX_TOKEN}; name fewer NPCs "
            "and scenes"
        )
    return token


# ---------------------------------------------------------------- places


_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via", "CF-Connecting-IP")


def is_local(address: str, headers: Mapping[str, str]) -> bool:
    """Whether a request comes from this machine itself. One that tells of a proxy does not,
    whatever its address: then the proxy is on this machine, and the client anywhere."""
    if any(name in headers for name in _FORWARDED):
        return False
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_loopback
