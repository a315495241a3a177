"""A small world with two accounts at each vendor, a bucket each, and temporary keys: what the store tests run in."""

from __future__ import annotations

from dataclasses import dataclass

from imgmove.sandbox import Sandbox
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Account, Key

UIN, OTHER_UIN = "100000000001", "100000000002"
APP_ID, OTHER_APP_ID = "1250000000", "1250000001"
ALIBABA, OTHER_ALIBABA = "1000000000000001", "1000000000000002"
COS_BUCKET, OTHER_COS_BUCKET = f"house-{APP_ID}", f"theirs-{OTHER_APP_ID}"
OSS_BUCKET, OTHER_OSS_BUCKET, SINGAPORE_BUCKET = "house", "theirs", "house-sg"
GUANGZHOU, HANGZHOU, SINGAPORE = "ap-guangzhou", "cn-hangzhou", "ap-southeast-1"
SECRET = "test-secret"


@dataclass(frozen=True)
class Credentials:
    """What a client signs with."""

    key_id: str
    secret: str
    token: str = ""


TENCENT = Credentials("AKIDtest", SECRET)
OTHER_TENCENT = Credentials("AKIDother", SECRET)
ALIBABA_KEY = Credentials("LTAItest", SECRET)
OTHER_ALIBABA_KEY = Credentials("LTAIother", SECRET)


def fill(world: World) -> None:
    """The seed of the tests' world."""
    accounts = world.accounts
    accounts.add(Account("tencent", UIN, APP_ID))
    accounts.add(Account("tencent", OTHER_UIN, OTHER_APP_ID))
    accounts.add(Account("alibaba", ALIBABA))
    accounts.add(Account("alibaba", OTHER_ALIBABA))
    for vendor, account, credentials in (
        ("tencent", UIN, TENCENT),
        ("tencent", OTHER_UIN, OTHER_TENCENT),
        ("alibaba", ALIBABA, ALIBABA_KEY),
        ("alibaba", OTHER_ALIBABA, OTHER_ALIBABA_KEY),
    ):
        accounts.add_key(Key(vendor, credentials.key_id, credentials.secret, account, f"user/{account}"))
    world.objects.create_bucket("tencent", COS_BUCKET, GUANGZHOU, UIN)
    world.objects.create_bucket("tencent", OTHER_COS_BUCKET, GUANGZHOU, OTHER_UIN)
    world.objects.create_bucket("alibaba", OSS_BUCKET, HANGZHOU, ALIBABA)
    world.objects.create_bucket("alibaba", SINGAPORE_BUCKET, SINGAPORE, ALIBABA)
    world.objects.create_bucket("alibaba", OTHER_OSS_BUCKET, HANGZHOU, OTHER_ALIBABA)


def temporary(sandbox: Sandbox, vendor: str, account: str, seconds: int = 3600) -> Credentials:
    """A temporary key of an account."""
    with sandbox.world.lock:
        key = sandbox.world.accounts.issue_temporary(vendor, account, f"federated/{account}", seconds)
    return Credentials(key.access_key_id, key.secret, key.token or "")
