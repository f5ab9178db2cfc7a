"""Chinese sentences, easy and hard ones."""

from pathlib import Path

import yaml

_TEXTS = Path(__file__).parents[1] / "fixtures" / "chinese_texts.yaml"
_BY_KIND = yaml.safe_load(_TEXTS.read_text(encoding="utf-8"))
GRADED: dict[str, list[str]] = _BY_KIND["graded"]
"""Texts for learners."""
ORDINARY: list[str] = _BY_KIND["ordinary"]
"""Summaries for native readers."""

SIMPLE_TEXT = [
    "很多模型只看最后的答案对不对。",
    "作者教模型做一个新动作：擦掉上一步。",
    "如果擦掉以后更容易成功，模型就会得到奖励。",
    "这个 7B 模型答对了 63.5% 的题。",
    "不过，要是它选错了方法，常常得走很多步才能发现。",
]
HARD_TEXT = [
    "张量秩趋于坍缩，诱发梯度湮灭。",
    "稠密算子黏附于残差流形之畔。",
    "谱隙湮没，遂致熵增溃散。",
    "拓扑缺陷衍生涡旋，裹挟噪声弥散。",
    "正则项羸弱，难遏过拟合肆虐。",
    "湍流模态蛰伏于隐匿子空间。",
    "嬗变的先验褫夺后验的裁量。",
    "黎曼曲率撼动测地线之稳恒。",
]
