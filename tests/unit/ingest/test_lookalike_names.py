"""Names that may be taken for another."""

import pytest

from ingest.filters import lookalike_reason


@pytest.mark.parametrize(
    "name",
    [
        *(
            "ABC",
            "1INCH",
            "币安人生",
            "龙币2",
            "ドージコイン",
            "すし",
            "寿司ドージ",
            "人々",
            "도지코인",
            "金도지",
            "ㄅㄆㄇ币",
        ),
        *("عملة", "हिन्दी", "บิต", "ЖУК", "ЛУНА", "ΔΟΓΕ", "ბიტი", "מטבע"),
    ],
)
def test_name_wholly_of_one_script_is_plain(name: str) -> None:
    assert lookalike_reason(name) == ""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ВТС", "name: looks like another"),
        ("ЕТН", "name: looks like another"),
        ("ΒΝΒ", "name: looks like another"),
        ("PEPÉ", "name: looks like another"),
        ("ԱՍԵ", "name: looks like another"),
        ("BTС", "name: of more than one script"),
        ("ДОGЕ", "name: of more than one script"),
        ("币安BNB", "name: of more than one script"),
        ("币도지", ""),
        ("ドージ도지", "name: of more than one script"),
        ("币_人", "name: of more than one script"),
        ("ＢＴＣ", "name: letters in disguise"),
        ("ﾄﾞｰｼﾞ", "name: letters in disguise"),
        ("𝐁𝐓𝐂", "name: letters in disguise"),
        ("币٣", "name: of more than one script"),
    ],
)
def test_name_that_may_be_taken_for_another_is_told(name: str, reason: str) -> None:
    assert lookalike_reason(name) == reason
