"""All attacks, each as small as it can be: what one client sends, and how long it may go on."""

from benchmarks.attacks import by_setting, examined, with_key, without_key
from benchmarks.attacks.attack import ATTACKS, Attack

__all__ = ["ATTACKS", "Attack", "by_setting", "examined", "with_key", "without_key"]
