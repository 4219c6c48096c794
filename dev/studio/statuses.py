"""Which status each asset of the demo studio has, and the way it came there."""

from __future__ import annotations

from random import Random

from .content import Production

# Of ten characters, of ten scenes.
CHARACTERS = {"in_review": 3, "approved": 4, "changes_requested": 1, "draft": 1, "rejected": 1}
SCENES = {"approved": 30, "in_review": 28, "draft": 20, "changes_requested": 13, "rejected": 5, "archived": 4}
# Of a hundred segments of a scene that has this status: work runs ahead of the scene in places and lags in others.
SEGMENTS = {
    "approved": {"approved": 68, "in_review": 24, "changes_requested": 5, "rejected": 3},
    "in_review": {"in_review": 56, "approved": 26, "changes_requested": 12, "draft": 4, "rejected": 2},
    "changes_requested": {"in_review": 38, "changes_requested": 30, "approved": 16, "draft": 12, "rejected": 4},
    "rejected": {"rejected": 28, "in_review": 28, "draft": 24, "changes_requested": 20},
    "draft": {"draft": 58, "in_review": 34, "changes_requested": 6, "rejected": 2},
    "archived": {"archived": 100},
}
# How an asset came to its status, and how common that is. A rejection ends a history.
_AGAIN = ("submitted", "changes_requested", "submitted")
PATHS: dict[str, list[tuple[tuple[str, ...], int]]] = {
    "draft": [((), 1)],
    "in_review": [(("submitted",), 6), (_AGAIN, 3), ((*_AGAIN, "changes_requested", "submitted"), 1)],
    "approved": [
        (("submitted", "approved"), 5),
        ((*_AGAIN, "approved"), 4),
        ((*_AGAIN, "changes_requested", "submitted", "approved"), 1),
        (("submitted", "approved", "changes_requested", "submitted", "approved"), 1),
    ],
    "changes_requested": [
        (("submitted", "changes_requested"), 5),
        ((*_AGAIN, "changes_requested"), 2),
        (("submitted", "approved", "changes_requested"), 1),
    ],
    "rejected": [(("submitted", "rejected"), 3), ((*_AGAIN, "rejected"), 2)],
    "archived": [(("archived",), 1)],
}


def path_to(status: str, rng: Random) -> tuple[str, ...]:
    """The steps after creation that end in this status."""
    paths, weights = zip(*PATHS[status], strict=True)
    return tuple(rng.choices(paths, weights)[0])


def character_statuses(names: list[str], rng: Random) -> dict[str, str]:
    """A status for each of these sorted names: among the first five of a list, some wait for a decision."""
    deck = _deck(CHARACTERS, len(names), rng)
    for place in (1, 3):
        if "in_review" in deck[5:] and deck[place] != "in_review":
            other = deck.index("in_review", 5)
            deck[place], deck[other] = deck[other], deck[place]
    return dict(zip(names, deck, strict=True))


def scene_statuses(production: Production, rng: Random) -> list[str]:
    """A status for each scene."""
    return _deck(SCENES, len(production.scenes), rng)


def segment_status(scene_status: str, rng: Random) -> str:
    """A status that goes with the scene's."""
    weights = SEGMENTS[scene_status]
    return rng.choices(list(weights), list(weights.values()))[0]


def _deck(shares: dict[str, int], count: int, rng: Random) -> list[str]:
    """Shuffled statuses in these proportions, at least one of each."""
    total = sum(shares.values())
    deck = [status for status, share in shares.items() for _ in range(max(1, round(count * share / total)))]
    deck += [next(iter(shares))] * (count - len(deck))
    deck = deck[:count]
    rng.shuffle(deck)
    return deck
