"""Whether the broker keeps what it is given: a Redis that evicts keys loses messages without a word.

Nothing of a job would be lost, the sweeper rings again; but every job would wait for it.
"""

from __future__ import annotations

from contextlib import suppress

import redis
import structlog

from app.broker import broker_url
from app.errors import Misconfigured, Unavailable
from app.settings import Settings

log = structlog.get_logger(__name__)

_TIMEOUT_S = 2.0
_KEEPS = "noeviction"


def eviction_policy(config: Settings) -> str | None:
    """The `maxmemory-policy` of the broker; None where it does not tell us.

    Raises Unavailable where it is away, Misconfigured where it refuses our password: that is no weather.
    """
    url = broker_url(config).replace("redis+socket://", "unix://")
    try:
        with redis.Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S) as client:
            return _told(client)
    except redis.AuthenticationError as error:
        raise Misconfigured("the Redis of COSIA_REDIS_URL refuses the password in it, or asks for one") from error
    except (redis.RedisError, OSError) as error:
        raise Unavailable("the broker does not answer: try again in a moment") from error


def _told(client: redis.Redis) -> str | None:
    # Hosted servers forbid CONFIG and let INFO; an account with few rights may be let neither.
    with suppress(redis.ResponseError, KeyError):
        return str(client.info("memory")["maxmemory_policy"])
    with suppress(redis.ResponseError, KeyError):
        return str(client.config_get("maxmemory-policy")["maxmemory-policy"])
    return None


def require_no_eviction(config: Settings) -> None:
    """Raises Misconfigured for a broker that evicts. One that is away is weather; one that does not tell may pass."""
    try:
        policy = eviction_policy(config)
    except Unavailable:
        log.warning("broker_policy_not_checked", reason="the broker does not answer")
        return
    if policy is None:
        log.warning("broker_policy_not_checked", reason="this account may call neither INFO nor CONFIG")
    elif policy != _KEEPS:
        raise Misconfigured(fault_of(policy))


def fault_of(policy: str) -> str:
    """What is wrong with a policy, and what to do."""
    return (
        f"the Redis of COSIA_REDIS_URL may evict messages (maxmemory-policy is {policy}): "
        f"set maxmemory-policy to {_KEEPS}, or give the broker a Redis of its own"
    )


def is_safe(policy: str | None) -> bool:
    """Whether nothing speaks against a policy."""
    return policy in (None, _KEEPS)
