"""`python -m bench [NAME] …`: run one measurement, or all of them with their defaults."""

from __future__ import annotations

import sys

from bench import api, deliveries, isolation, latency, security, waiting

SCENARIOS = {
    "api": api.main,
    "deliveries": deliveries.main,
    "isolation": isolation.main,
    "latency": latency.main,
    "security": security.main,
    "waiting": waiting.main,
}


def main() -> int:
    name, *arguments = sys.argv[1:] or ["all"]
    if name in ("all", "help", "-h", "--help"):
        if name != "all":
            print("\n".join(f"python -m bench {known}" for known in SCENARIOS))
            return 0
        return max(scenario([]) for scenario in SCENARIOS.values())
    if name not in SCENARIOS:
        print(f"There is no measurement {name!r}; there are: {', '.join(SCENARIOS)}.", file=sys.stderr)
        return 2
    return SCENARIOS[name](arguments)


if __name__ == "__main__":
    sys.exit(main())
