"""The request examples of the page, as the reference shows them; they fit the demo's extensions."""

from typing import Any

_MEMBERS = [{"value": value, "type": "extension"} for value in ("3071", "3074", "3075")]

EXAMPLES: dict[str, dict[str, Any]] = {
    "Everybody at once (ring_all)": {
        "number": "6300",
        "name": "Technical Support",
        "ring_strategy": "ring_all",
        "ring_timeout": 60,
        "join_prompt": "demo.wav",
        "play_full_join_prompt": 1,
        "welcome_prompt": "SoftBreeze",
        "moh": "SoftBreeze",
        "alert_info": "ring-group-support",
        "client_unique_ringtone": "",
        "member_list": _MEMBERS,
        "fail_dest": "end_call",
    },
    "Every entry at its own times (custom)": {
        "number": "6301",
        "name": "Markting",
        "ring_strategy": "custom",
        "ring_timeout": "20",
        "join_prompt": "demo.wav",
        "play_full_join_prompt": 1,
        "welcome_prompt": "SoftBreeze",
        "moh": "SoftBreeze",
        "alert_info": "ring-group-markting",
        "client_unique_ringtone": "",
        "member_list": [{"sub_option": _MEMBERS, "delay_time": 20, "timeout": 20}],
        "fail_dest": "end_call",
    },
}
