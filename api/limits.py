"""Token buckets in Redis: one Lua call takes the tokens and reads the key's epoch. The database is the stand-in."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from hiredis import pack_command
from redis import Redis
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import NoScriptError, RedisError

from domain.db import Database
from domain.grouping import Grouped
from domain.operations.commands import ROUNDING, take_from_bucket
from domain.ports import Grant, Take

# A microsecond clock and fractional tokens: whole seconds or whole tokens would lose the remainders of every call and
# admit far less than was promised. `cost` 0 only looks. The caller gives what it last heard of the bucket, which holds
# no more than that, filled up since: so one that was lost, or that the database kept meanwhile, is not full again.
# A bucket is kept as `tokens at`. Answers {allowed, tokens left, now, epoch or false}.
TAKE = f"""
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local size, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local function filled(tokens, at)
  return math.min(size, tonumber(tokens) + math.max(0, now - tonumber(at)) * size / 60000000)
end
local tokens = filled(ARGV[3], ARGV[4])
local known = redis.call('MGET', KEYS[1], KEYS[2])
if known[1] then
  tokens = math.min(tokens, filled(string.match(known[1], '(%S+) (%S+)')))
end
local allowed = 0
if tokens >= cost - {ROUNDING} then
  allowed = 1
  tokens = tokens - cost
end
local left, at = string.format('%.17g', tokens), string.format('%d', now)
if cost > 0 then
  redis.call('SET', KEYS[1], left .. ' ' .. at, 'PX', 61000)
end
return {{allowed, left, at, known[2]}}
"""
# Of two changes of a key, the later may be told first: what is known never goes back.
PUBLISH = """
local known = redis.call('GET', KEYS[1])
if not known or tonumber(known) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""
EPOCH_SECONDS = 3600
PAUSE_SECONDS = 1.0  # between tries while Redis is away
MOST_KNOWN = 10_000
MICROS = 1_000_000

_Arguments = tuple[
    str, str, int, float, float, int
]  # both keys, the bucket's size, the cost, the last known level and when


class Script:
    """A Lua script over one kept connection of redis-py's; the client around it costs more than the connection does.

    Args:
        redis: knows how to connect.
    """

    def __init__(self, redis: Redis, text: str) -> None:
        self._connect: Callable[[], Any] = redis.connection_pool.make_connection
        self._text = text
        self._connection: Any = None  # redis-py's connections have hardly any types

    def run(self, calls: Sequence[Sequence[str | float]], keys: int) -> list[Any]:
        """What it answers to each call, all in one round trip. `calls`: keys, then arguments.

        Raises:
            RedisError: Redis is away, too slow, or refuses.
        """
        if self._connection is not None:
            try:
                return self._run(self._connection, calls, keys)
            except (NotConnected, NoScriptError):
                pass  # closed since, or to a Redis that has forgotten the script: connect anew
        self._connection = self._connect()
        self._sha = self._ask(self._connection, [("SCRIPT", "LOAD", self._text)])[0]
        return self._run(self._connection, calls, keys)

    def _run(self, connection: Any, calls: Sequence[Sequence[str | float]], keys: int) -> list[Any]:
        return self._ask(connection, [("EVALSHA", self._sha, keys, *call) for call in calls])

    def _ask(self, connection: Any, commands: Sequence[Sequence[Any]]) -> list[Any]:
        try:
            packed = b"".join([pack_command(tuple(command)) for command in commands])
            connection.send_packed_command([packed], check_health=False)
            return [connection.read_response() for _ in commands]
        except BaseException:
            self._connection = None
            connection.disconnect()  # answers may still be on their way
            raise


class Levels:
    """What each bucket held when this process last heard of it, and when that was, in Unix microseconds.

    Others may have taken since, so with what has come in meanwhile it is the most that a bucket can hold. See
    docs/decisions/0021-limits-while-redis-is-away.md.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, int]] = {}
        self._lock = Lock()

    def last(self, bucket: str, size: int) -> tuple[float, int]:
        """The level and its time; of an unknown bucket, full at the beginning of time."""
        return self._known.get(bucket, (float(size), 0))

    def keep(self, bucket: str, tokens: float, at: int) -> None:
        """Remember it; when there are too many, what was not heard of for longest is forgotten."""
        with self._lock:
            self._known.pop(bucket, None)
            if len(self._known) >= MOST_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[bucket] = (tokens, at)


class RedisLimiter:
    """The `Limiter` port over Redis, with the database as its stand-in.

    Args:
        redis: a client with short timeouts.
        database: counts while Redis is away, by one conditional UPDATE a call.
        wall: Unix seconds.
    """

    def __init__(self, redis: Redis, database: Database, wall: Callable[[], float] = time.time) -> None:
        self._redis = redis
        script = Script(redis, TAKE)
        # Calls that come while a round trip is under way share the next one.
        self._calls: Grouped[_Arguments, Any] = Grouped(lambda calls: script.run(calls, keys=2))
        self._database = database
        self._wall = wall
        self._away_until = 0.0
        self.levels = Levels()

    @property
    def degraded(self) -> bool:
        return time.monotonic() < self._away_until

    def take(self, bucket: str, per_minute: int, cost: float = 1, key_id: str | None = None) -> Grant:
        """See `domain.ports.Limiter`."""
        (grant,) = self.take_all([Take(bucket, per_minute, cost, key_id)])
        if isinstance(grant, Exception):
            raise grant
        return grant

    def take_all(self, takes: Sequence[Take]) -> list[Grant | Exception]:
        """See `domain.ports.Limiter`."""
        if takes and not self.degraded:
            try:
                return self._taken_of_redis(takes)
            except RedisError:
                self._away_until = time.monotonic() + PAUSE_SECONDS
        found: list[Grant | Exception] = []
        for take in takes:
            try:
                found.append(self._taken_of_database(take))
            except Exception as error:
                found.append(error)
        return found

    def _taken_of_redis(self, takes: Sequence[Take]) -> list[Grant | Exception]:
        found: list[Grant | Exception] = []
        for take, answer in zip(takes, self._calls.run_all([self._arguments(take) for take in takes]), strict=True):
            if isinstance(answer, BaseException):
                raise answer
            allowed, left, now, epoch = answer
            self.levels.keep(_name(take), float(left), int(now))
            found.append(_grant(take, bool(allowed), float(left), int(epoch) if epoch else None))
        return found

    def _arguments(self, take: Take) -> _Arguments:
        # The braces keep both keys in one slot of a Redis cluster.
        slot = f"{{{take.key_id or take.bucket}}}"
        keys = f"callsheet:bucket:{slot}:{take.bucket}", f"callsheet:epoch:{slot}"
        return *keys, take.per_minute, _cost(take), *self.levels.last(_name(take), take.per_minute)

    def _taken_of_database(self, take: Take) -> Grant:
        tokens, at = self.levels.last(_name(take), take.per_minute)
        moment = self._wall()
        at_most = tokens + max(0.0, moment - at / MICROS) * take.per_minute / 60
        with self._database.transaction() as session:
            granted, held = take_from_bucket(session, _name(take), take.per_minute, _cost(take), moment, at_most)
        self.levels.keep(_name(take), held, int(moment * MICROS))
        return _grant(take, granted, held, None)

    def publish_epoch(self, key_id: str, epoch: int) -> None:
        """See `domain.ports.Limiter`. Losing it costs a second: that is how long a key is remembered."""
        try:
            self._redis.eval(PUBLISH, 1, f"callsheet:epoch:{{{key_id}}}", str(epoch), str(EPOCH_SECONDS))
        except RedisError:
            self._away_until = time.monotonic() + PAUSE_SECONDS


def _name(take: Take) -> str:
    return f"{take.key_id}:{take.bucket}" if take.key_id else take.bucket


def _cost(take: Take) -> float:
    return min(take.cost, take.per_minute)


def _grant(take: Take, allowed: bool, tokens: float, epoch: int | None) -> Grant:
    limit, per_second = take.per_minute, take.per_minute / 60
    reset_seconds = math.ceil((limit - tokens) / per_second)
    retry_after = 0 if allowed else max(1, math.ceil((_cost(take) - tokens) / per_second))
    return Grant(allowed, limit, max(0, math.floor(tokens)), reset_seconds, retry_after, epoch)
