"""Who may connect: tickets over real sockets, keys in every form, and every way to fail."""

from __future__ import annotations

import base64
import inspect
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from dialogue_protocol.codec import JSON
from dialogue_protocol.codes import CloseCode, ClosePolicy, ErrorCode, close_policy
from dialogue_protocol.connection import HandshakeError
from dialogue_protocol.messages import Error, Hello, NpcList, Npcs, Open, Player, Resume
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from dialogue_server.domain.persona import World
from dialogue_server.domain.staging import Scene
from dialogue_server.engine.identity import DESIGNER, LOCAL, PLAYER, Identity
from dialogue_server.engine.observer import RequestRefused
from dialogue_server.errors import SettingsError
from dialogue_server.server.admission import (
    _PROBLEMS,
    Admission,
    Claims,
    is_local,
    issue,
    make_key,
    player_of,
    read_keys,
)
from dialogue_server.server.client_socket import ClientSocket, ConnectError
from dialogue_server.server.tls import tls_context
from dialogue_server.settings import Access, Server
from tests.fakes.certificate import write_certificate
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, Served, serving

SECRET = "a secret of thirty-two characters"
EDWARDS = Ed25519PrivateKey.generate()
PRIVATE = EDWARDS.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()
PUBLIC = (
    EDWARDS.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


X = b64(
    EDWARDS.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
)
OKP = {"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "ed"}
OCT = {"kty": "oct", "k": b64(b"k" * 32), "kid": "one"}
ACCESS = Access(key_env="KEYS")


def admission(keys: str = SECRET, access: Access = ACCESS) -> Admission:
    return Admission(access, {"KEYS": keys})


def in_an_hour() -> int:
    return int(time.time()) + 3600


def claims(**more: Any) -> dict[str, Any]:
    return {"exp": in_an_hour(), "aud": "dialogue-server", "sub": "ann", **more}


def ticket(key: Any = SECRET, algorithm: str = "HS256", kid: str = "", **more: Any) -> str:
    """As a game's backend makes one, with the library alone."""
    given = {name: value for name, value in claims(**more).items() if value is not None}
    return jwt.encode(given, key, algorithm, {"kid": kid} if kid else None)


@asynccontextmanager
async def demanding(keys: str = SECRET, **more: Any) -> AsyncIterator[Served]:
    async with serving(SteeredBackend(), admission=admission(keys), **more) as served:
        yield served


async def refused(url: str, hello: Hello) -> Error:
    """The error before a close with 4201."""
    socket = await ClientSocket.connect(url, JSON)
    await socket.send(JSON.encode(hello))
    (error,) = [JSON.decode_server(frame) async for frame in socket]
    assert isinstance(error, Error)
    assert error.code == ErrorCode.UNAUTHORIZED
    assert not error.retryable
    assert socket.close_code == CloseCode.UNAUTHORIZED
    assert close_policy(socket.close_code) is ClosePolicy.STOP
    return error


# ---------------------------------------------------------------- tickets


async def test_a_ticket_lets_its_player_in_and_nobody_else() -> None:
    async with demanding() as served:
        client = await Client.connect(served.url, hello=Hello(token=ticket()))
        await client.open()
        await client.send(Open("d", ["mira"], Player("bob", "Bob")))
        error = await client.expect(Error)
        assert (error.code, error.conversation) == (ErrorCode.FORBIDDEN, "d")
        assert "open.player.id" in error.detail


async def test_a_ticket_narrows_npcs_and_scenes() -> None:
    async with demanding() as served:
        token = ticket(npcs=["mira"], scenes=["tavern"])
        client = await Client.connect(served.url, hello=Hello(token=token))
        await client.open(scene="tavern")
        for message in (
            Open("d", ["mira", "borin"], Player("ann"), scene="tavern"),
            Open("d", ["mira"], Player("ann")),
        ):
            await client.send(message)
            assert (await client.expect(Error)).code == ErrorCode.FORBIDDEN


async def test_what_a_ticket_says_is_known_to_the_session() -> None:
    async with demanding() as served:
        token = ticket(rights=["player", "designer"], budget="gold", npcs=["mira"])
        client = await Client.connect(served.url, hello=Hello(token=token))
        assert client.welcome is not None
        session = served.registry._sessions[client.welcome.session]
        assert session.identity == Identity(
            player="ann",
            rights=frozenset({PLAYER, DESIGNER}),
            npcs=frozenset({"mira"}),
            budget="gold",
            expires=jwt.decode(token, options={"verify_signature": False})["exp"],
        )


@pytest.mark.parametrize(
    ("rights", "asked", "granted"),
    [
        (["player", "designer"], ["designer"], ["designer"]),
        (["player", "designer"], [], []),
        (["player"], ["designer"], []),
        (["player", "operator"], ["designer"], []),
    ],
)
async def test_a_designer_is_whoever_asks_and_may(
    rights: list[str], asked: list[str], granted: list[str]
) -> None:
    async with demanding() as served:
        hello = Hello(token=ticket(rights=rights), capabilities=asked)
        client = await Client.connect(served.url, hello=hello)
        assert client.welcome is not None
        assert client.welcome.capabilities == granted
        await client.send(Npcs())
        if not granted:
            assert (await client.expect(Error)).code == ErrorCode.FORBIDDEN
            return
        assert [npc.id for npc in (await client.expect(NpcList)).npcs] == ["borin", "mira"]


async def test_a_scenes_own_npcs_are_there_only_as_far_as_the_ticket_goes() -> None:
    world = World("W", "D", scenes={"tavern": Scene("A low room.", cast=["borin"])})
    async with demanding(world=world) as served:
        hello = Hello(token=ticket(npcs=["mira"]))
        opened = await (await Client.connect(served.url, hello=hello)).open(scene="tavern")
        assert [npc.id for npc in opened.npcs] == ["mira"]
        opened = await (await Client.connect(served.url, hello=Hello(token=ticket()))).open(
            scene="tavern"
        )
        assert [npc.id for npc in opened.npcs] == ["mira", "borin"]


async def test_a_designer_sees_the_npcs_of_the_ticket() -> None:
    async with demanding() as served:
        token = ticket(rights=["player", "designer"], npcs=["mira"])
        hello = Hello(token=token, capabilities=["designer"])
        client = await Client.connect(served.url, hello=hello)
        await client.send(Npcs())
        assert [npc.id for npc in (await client.expect(NpcList)).npcs] == ["mira"]


def forged() -> str:
    """Signed with the public key's text as if it were a secret."""
    head = b64(b'{"alg":"HS256","typ":"JWT"}')
    body = b64(json.dumps(claims()).encode())
    import hashlib
    import hmac

    signature = hmac.new(PUBLIC.strip().encode(), f"{head}.{body}".encode(), hashlib.sha256)
    return f"{head}.{body}.{b64(signature.digest())}"


def bare(header: bytes, body: bytes = b"{}") -> str:
    return f"{b64(header)}.{b64(body)}.{b64(b'x')}"


BAD: dict[str, tuple[str, Callable[[], str], str]] = {
    "empty": (SECRET, lambda: "", "is empty"),
    "no ticket": (SECRET, lambda: "secret", "is no JSON Web Token"),
    "hostile header": (SECRET, lambda: bare(b"[" * 2000), "is no JSON Web Token"),
    "hostile kid": (SECRET, lambda: bare(b'{"alg":"HS256","kid":[1]}'), "is not valid"),
    "expired": (SECRET, lambda: ticket(exp=int(time.time()) - 90), "s ago; get a new one"),
    "too early": (SECRET, lambda: ticket(nbf=in_an_hour()), "is not valid yet"),
    "made tomorrow": (SECRET, lambda: ticket(iat=in_an_hour()), "is not valid yet"),
    "another service": (SECRET, lambda: ticket(aud="shop"), "access.audience"),
    "no audience": (SECRET, lambda: ticket(aud=None), "`exp` and `aud` are needed"),
    "for ever": (SECRET, lambda: ticket(exp=None), "`exp` and `aud` are needed"),
    "never, by no number": (SECRET, lambda: ticket(exp=float("nan")), "`exp` that is no time"),
    "never, by infinity": (SECRET, lambda: ticket(exp=float("inf")), "`exp` that is no time"),
    "never, by far": (SECRET, lambda: ticket(exp=1e300), "`exp` that is no time"),
    "text for a time": (SECRET, lambda: ticket(exp="soon"), "$.exp"),
    "unknown right": (SECRET, lambda: ticket(rights=["god"]), "$.rights[0]"),
    "NPCs that are none": (SECRET, lambda: ticket(npcs="mira"), "$.npcs"),
    "no player's name": (SECRET, lambda: ticket(sub=5), "the player's id"),
    "another secret": (SECRET, lambda: ticket(SECRET[::-1]), "was not signed with the key"),
    "unsigned": (SECRET, lambda: ticket(None, "none"), "another algorithm"),
    "longer hash": (SECRET, lambda: ticket(SECRET * 3, "HS512"), "another algorithm"),
    "public key as secret": (PUBLIC, forged, "another algorithm"),
    "another Ed25519 key": (
        *(PUBLIC, lambda: ticket(Ed25519PrivateKey.generate(), "EdDSA"), "was not signed with"),
    ),
    "unknown kid": (SECRET, lambda: ticket(kid="new"), "names a key (`kid`) that"),
    "no kid": (json.dumps(OCT), lambda: ticket(b"k" * 32), "names no key (`kid`)"),
}


@pytest.mark.parametrize(("keys", "token", "problem"), BAD.values(), ids=BAD)
async def test_a_bad_ticket_closes_with_4201_and_a_sentence(
    keys: str, token: Callable[[], str], problem: str
) -> None:
    async with demanding(keys) as served:
        error = await refused(served.url, Hello(token=token()))
        assert error.detail.startswith("hello.token: the ticket ")
        assert problem in error.detail
        assert SECRET not in error.detail
        assert served.registry.count == 0
        assert served.seen(RequestRefused)[0].code == ErrorCode.UNAUTHORIZED


def test_every_failure_of_the_library_has_a_sentence() -> None:
    """Those of fetching keys aside, which is not done."""
    kinds = {
        kind
        for _, kind in inspect.getmembers(jwt.exceptions, inspect.isclass)
        if issubclass(kind, jwt.PyJWTError) and "JWK" not in kind.__name__
    }
    kinds -= {jwt.exceptions.MissingCryptographyError}  # it is required
    assert kinds == set(_PROBLEMS) & kinds


@given(st.text(max_size=60) | st.binary(max_size=60).map(b64))
def test_no_token_breaks_the_server(text: str) -> None:
    judge = admission()
    for token in (text, f"{text}.{text}.{text}", bare(text.encode()), bare(b"{}", text.encode())):
        if token:
            with pytest.raises(HandshakeError):
                judge.identify(token, local=True)
        assert isinstance(player_of(token), str)


# ---------------------------------------------------------------- time, and coming back


async def test_a_ticket_that_expires_cuts_no_running_session_and_resumes_it() -> None:
    now = [float(int(time.time()))]
    async with demanding() as served:
        served.context.now = lambda: now[0]
        hello = Hello(token=ticket())
        client = await Client.connect(served.url, hello=hello)
        await client.open()
        now[0] += 7200
        await client.open("d")
        assert client.welcome is not None
        position = Resume(client.welcome.session, client.welcome.epoch, client.sequenced)
        client.socket.abort()
        again = await Client.connect(
            served.url, hello=msgspec.structs.replace(hello, resume=position)
        )
        assert again.welcome is not None
        assert again.welcome.resumed
        late = ticket(exp=int(now[0]) - 60)  # its own, expired, and not the session's
        other = msgspec.structs.replace(hello, token=late, resume=position)
        assert "expired 60 s ago" in (await refused(served.url, other)).detail


async def test_a_new_ticket_of_the_same_player_resumes_and_takes_effect() -> None:
    async with demanding() as served:
        first = await Client.connect(served.url, hello=Hello(token=ticket(npcs=["mira"])))
        assert first.welcome is not None
        position = Resume(first.welcome.session, first.welcome.epoch, first.sequenced)
        token = ticket(npcs=["mira", "borin"], exp=in_an_hour() + 5)
        again = await Client.connect(served.url, hello=Hello(token=token, resume=position))
        assert again.welcome is not None
        assert again.welcome.resumed
        await again.open(npcs=("borin",))


@pytest.mark.parametrize(
    "other", [{"sub": "bob"}, {"rights": ["player", "designer"]}], ids=["player", "rights"]
)
async def test_anybody_else_gets_a_session_of_their_own(other: dict[str, Any]) -> None:
    async with demanding() as served:
        first = await Client.connect(served.url, hello=Hello(token=ticket()))
        assert first.welcome is not None
        position = Resume(first.welcome.session, first.welcome.epoch, first.sequenced)
        thief = await Client.connect(
            served.url, hello=Hello(token=ticket(**other), resume=position)
        )
        assert thief.welcome is not None
        assert not thief.welcome.resumed
        assert thief.welcome.session != first.welcome.session
        await first.open()  # its socket was not taken


# ---------------------------------------------------------------- keys

SETS: dict[str, tuple[str, Any, str, str]] = {
    "secret": (SECRET, SECRET, "HS256", ""),
    "public PEM": (PUBLIC, EDWARDS, "EdDSA", ""),
    "private PEM": (PRIVATE, EDWARDS, "EdDSA", ""),
    "one JWK": (json.dumps(OCT), b"k" * 32, "HS256", "one"),
    "set, secret": (json.dumps({"keys": [OKP, OCT]}), b"k" * 32, "HS256", "one"),
    "set, Ed25519": (json.dumps({"keys": [OKP, OCT]}), EDWARDS, "EdDSA", "ed"),
    "no kid": (json.dumps({"keys": [{**OKP, "kid": ""}]}), EDWARDS, "EdDSA", ""),
}


@pytest.mark.parametrize(("keys", "key", "algorithm", "kid"), SETS.values(), ids=SETS)
async def test_keys_come_in_every_usual_form(keys: str, key: Any, algorithm: str, kid: str) -> None:
    async with demanding(keys) as served:
        token = ticket(key, algorithm, kid)
        await Client.connect(served.url, hello=Hello(token=token))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("too short", "holds no keys"),
        ("two\nlines of something that is long enough", "holds no keys"),
        ("{not json", "is not valid JSON"),
        ("{" * 5000, "is not valid JSON"),
        ("{}", "keys: expected a list"),
        ('{"keys":[]}', "keys: expected a list"),
        ('{"keys":[5]}', "keys: expected a list"),
        (json.dumps({"keys": [OCT, OCT]}), "two keys have the same kid"),
        (json.dumps({**OCT, "kid": 5}), "the key.kid: must be text"),
        (json.dumps({**OCT, "alg": "HS512"}), "must be a secret (kty oct, alg HS256)"),
        (json.dumps({**OCT, "k": b64(b"short")}), "5 bytes; a secret has at least 32"),
        (json.dumps({"kty": "oct"}), "is no whole key of its kind"),
        (json.dumps({"keys": [{"kty": "RSA", "n": "x", "e": "x"}]}), "keys[0]: must be a secret"),
        (json.dumps({**OCT, "k": 5}), "is no whole key of its kind"),
        (json.dumps({**OKP, "x": "AAAA"}), "is no whole key of its kind"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "no PEM with an Ed25519"),
        ("-----BEGIN CERTIFICATE-----\nAAAA", "no PEM with an Ed25519"),
    ],
)
def test_what_is_no_key_is_said_without_showing_it(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_keys(text, "access.key_file: keys.json")
    assert caught.value.detail.startswith("access.key_file: keys.json: ")
    assert problem in caught.value.detail
    for part in (OCT["k"], X, "AAAA", "lines of something"):
        assert part not in caught.value.detail


def test_another_curve_in_a_pem_is_refused() -> None:
    key = generate_private_key(65537, 2048).public_key()
    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
    with pytest.raises(SettingsError, match="no PEM with an Ed25519 key"):
        read_keys(pem, "x")


def test_keys_show_nothing_of_themselves() -> None:
    shown = repr(read_keys(json.dumps({"keys": [OKP, OCT]}), "x"))
    assert shown == "[Key('ed', EdDSA), Key('one', HS256)]"


async def test_keys_are_rotated_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    old, new = make_key("old"), make_key("new")
    said: list[str] = []
    file.write_text(json.dumps({"keys": [old]}), "utf-8")
    judge = Admission(Access(key_file=str(file)), {}, warn=said.append)
    tokens = [
        issue(read_keys(json.dumps(key), "x"), Claims(in_an_hour(), "dialogue-server", "ann"))
        for key in (old, new)
    ]

    async def admitted(served: Served) -> list[bool]:
        found = []
        for token in tokens:
            socket = await ClientSocket.connect(served.url, JSON)
            await socket.send(JSON.encode(Hello(token=token)))
            first = JSON.decode_server(await anext(aiter(socket)))
            found.append(not isinstance(first, Error))
            await socket.close()
        return found

    def write(content: str) -> None:
        file.write_text(content, "utf-8")
        stamp = time.time_ns() + len(content) * 10**9  # a clock too coarse to see the change
        os.utime(file, ns=(stamp, stamp))

    async with serving(SteeredBackend(), admission=judge) as served:
        assert await admitted(served) == [True, False]
        write(json.dumps({"keys": [old, new]}))
        assert await admitted(served) == [True, True]
        write("{oops")
        assert await admitted(served) == [True, True]
        assert said == [
            "access.key_file: keys.json: is not valid JSON; " + said[0].partition("JSON; ")[2]
        ]
        assert said[0].endswith("the keys that were read before stay in force")
        file.unlink()
        assert await admitted(served) == [True, True]
        assert "keys.json cannot be read" in said[1]
        write(json.dumps({"keys": [new]}))
        assert await admitted(served) == [False, True]


@pytest.mark.parametrize(
    ("access", "problem"),
    [
        (Access(key_env="NOT_SET"), "the variable NOT_SET is not set"),
        (Access(key_file="nowhere.json"), "nowhere.json cannot be read"),
        (Access(key_env="KEYS", key_file="x"), "are both set; unset one"),
        (Access(anonymous="never"), "so nobody could connect"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(access: Access, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        Admission(access, {"KEYS": SECRET})


def test_a_ticket_is_signed_by_the_newest_key_or_the_one_asked_for() -> None:
    keys = read_keys(json.dumps({"keys": [make_key("a"), make_key("b"), OKP]}), "x")
    said = Claims(in_an_hour(), "dialogue-server", "ann")
    assert jwt.get_unverified_header(issue(keys, said))["kid"] == "b"
    assert jwt.get_unverified_header(issue(keys, said, "a"))["kid"] == "a"
    with pytest.raises(SettingsError, match="no key 'c' here can sign; the keys are: 'a', 'b', 'e"):
        issue(keys, said, "c")
    with pytest.raises(SettingsError, match="a public key only checks"):
        issue([key for key in keys if key.name == "ed"], said)
    with pytest.raises(SettingsError, match="name fewer NPCs"):
        issue(keys, msgspec.structs.replace(said, npcs=["npc" * 20] * 100))


# ---------------------------------------------------------------- without a ticket


@pytest.mark.parametrize(
    ("access", "keys", "identity", "rule"),
    [
        (Access(), "", LOCAL, "this machine only, as designer; set access.key_file"),
        (Access(anonymous="player"), "", Identity(), "this machine only, as player"),
        (ACCESS, SECRET, None, "whoever has a ticket"),
        (
            *(msgspec.structs.replace(ACCESS, anonymous="designer"), SECRET, LOCAL),
            "whoever has a ticket; this machine without one, as designer",
        ),
    ],
)
def test_this_machine_may_what_the_settings_say(
    access: Access, keys: str, identity: Identity | None, rule: str
) -> None:
    judge = admission(keys, access)
    assert judge.rule.startswith(rule)
    if identity is None:
        with pytest.raises(HandshakeError, match="is empty"):
            judge.identify("", local=True)
    else:
        assert judge.identify("", local=True) == identity
    with pytest.raises(HandshakeError):
        judge.identify("", local=False)
    if keys:
        with pytest.raises(HandshakeError):  # a bad one is worse than none
            judge.identify("bad", local=True)


def test_without_keys_a_token_is_not_read() -> None:
    assert Admission(Access(), {}).identify("anything", local=True) == LOCAL
    with pytest.raises(HandshakeError, match="this server has no keys"):
        Admission(Access(), {}).identify("anything", local=False)


@pytest.mark.parametrize(
    ("address", "headers", "local"),
    [
        ("127.0.0.1", {}, True),
        ("127.8.9.1", {}, True),
        ("::1", {}, True),
        ("::ffff:127.0.0.1", {}, True),
        ("::ffff:10.0.0.1", {}, False),
        ("10.0.0.1", {}, False),
        ("fe80::1%eth0", {}, False),
        ("", {}, False),
        ("/run/socket", {}, False),
        ("127.0.0.1", {"X-Forwarded-For": "1.2.3.4"}, False),
        ("127.0.0.1", {"Forwarded": "for=1.2.3.4"}, False),
    ],
)
def test_this_machine_is_its_loopback_without_a_proxy(
    address: str, headers: dict[str, str], local: bool
) -> None:
    assert is_local(address, headers) is local


async def test_whoever_comes_through_a_proxy_needs_a_ticket() -> None:
    async with serving(SteeredBackend()) as served:
        await Client.connect(served.url)
        async with connect(served.url, additional_headers={"X-Real-IP": "1.2.3.4"}) as socket:
            await socket.send(JSON.encode(Hello()))
            error = JSON.decode_server(await socket.recv())
            assert isinstance(error, Error)
            assert error.code == ErrorCode.UNAUTHORIZED


# ---------------------------------------------------------------- browsers and TLS


@pytest.mark.parametrize(
    ("setting", "origin", "status"),
    [
        ("", None, 101),
        ("", "http://localhost:8080", 101),
        ("", "http://127.0.0.1", 101),
        ("", "https://[::1]:5", 101),
        ("", "https://evil.example", 403),
        ("", "https://localhost.evil.example", 403),
        ("", "null", 403),
        ("https://play.example/, https://b.example", "https://play.example", 101),
        ("https://play.example/, https://b.example", "https://b.example", 101),
        ("https://play.example", "https://play.example.evil", 403),
        ("*", "https://anything.example", 101),
    ],
)
async def test_pages_of_foreign_web_sites_are_refused(
    setting: str, origin: str | None, status: int
) -> None:
    async with serving(SteeredBackend(), origins=setting) as served:
        headers = {"Origin": origin} if origin else {}
        if status == 101:
            async with connect(served.url, additional_headers=headers):
                return
        with pytest.raises(InvalidStatus) as caught:
            await connect(served.url, additional_headers=headers)
        assert caught.value.response.status_code == status


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls") / "localhost.pem")


async def test_a_certificate_makes_it_wss(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = tls_context(Server(tls_certificate=str(certificate)))
    async with serving(SteeredBackend(), tls=context) as served:
        url = served.url.replace("ws://127.0.0.1", "wss://localhost")
        client = await Client.connect(url)
        assert (await client.open()).greeting
        await client.leave()
        with pytest.raises(ConnectError):
            await Client.connect(served.url)


@pytest.mark.parametrize(
    ("certificate_file", "key_file", "problem"),
    [
        ("", "key.pem", "without server.tls_certificate"),
        ("missing.pem", "", "server.tls_certificate: missing.pem cannot be read"),
        ("real", "missing.pem", "server.tls_key: missing.pem cannot be read"),
        ("text.pem", "", "are no pair of PEM files"),
        ("real", "locked.pem", "are no pair of PEM files without a password"),
    ],
)
def test_files_that_are_no_certificate_stop_the_start(
    certificate: Path, tmp_path: Path, certificate_file: str, key_file: str, problem: str
) -> None:
    (tmp_path / "text.pem").write_text("no PEM", "utf-8")
    (tmp_path / "locked.pem").write_bytes(
        EDWARDS.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
    )

    def path(name: str) -> str:
        return str(certificate) if name == "real" else str(tmp_path / name) if name else ""

    with pytest.raises(SettingsError, match=problem):
        tls_context(Server(tls_certificate=path(certificate_file), tls_key=path(key_file)))
