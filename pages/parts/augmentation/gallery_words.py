"""Words of the gallery: names of transforms, what they can do to a diagnosis, and captions."""

from __future__ import annotations

from core.gallery import Drawn
from core.gallery_specs import GallerySpec, SourceSpec
from pages.ui import workings

LABELS = {
    "flip": "左右反転",
    "rotation": "回転",
    "affine": "ずらし・拡大縮小",
    "elastic": "弾性変形",
    "jitter": "明るさ・コントラスト",
    "blur": "ぼかし",
    "noise": "雑音",
    "erase": "一部を消す",
}
STRENGTHS = {
    "flip": ("反転の確率 p", "%.1f"),
    "rotation": ("回転 ±°", "%d"),
    "affine": ("ずらし・拡大 ±", "%.2f"),
    "elastic": ("弾性変形 α", "%d"),
    "jitter": ("明暗 ±", "%.1f"),
    "blur": ("ぼかし σ(画素)", "%.1f"),
    "noise": ("雑音 σ", "%.2f"),
    "erase": ("消す面積 ≤", "%.2f"),
}
# Up to these strengths a transform hardly changes what a picture means: of a film, and of a digit.
MILD = {
    "flip": (0.0, 0.0),
    "rotation": (15.0, 30.0),
    "affine": (0.1, 0.1),
    "elastic": (0.0, 300.0),
    "jitter": (0.2, 0.5),
    "blur": (1.0, 3.0),
    "noise": (0.05, 0.15),
    "erase": (0.0, 0.05),
}
NUMBERS = "①②③④⑤⑥⑦⑧⑨"
TITLES = {"film": "胸部X線の模式図", "digit": "手書きの数字", "upload": "自分の画像"}


def legend(spec: GallerySpec) -> str:
    """Say what the signs under the pictures mean."""
    names = {name for name, _ in spec.strengths}
    if spec.view == "difference":
        return "色は、もとの画像との明るさの差です。数字は、その絶対値の平均です(明るさは 0〜1)。"
    signs = ["「反転」は左右反転"] if "flip" in names else []
    signs += ["° は回転(+ は反時計回り)"] if "rotation" in names else []
    signs += ["× は大きさ"] if "affine" in names else []
    return f"画像の下の記号: {'、'.join(signs)}。" if signs and spec.view == "together" else ""


def caption(number: int, spec: GallerySpec, drawn: Drawn) -> str:
    """Say in a few signs what was drawn for variant ``number``, from 0."""
    if spec.view == "difference":
        return f"{NUMBERS[number]} 差 {drawn.difference:.3f}"
    parts = ["反転"] if drawn.flipped else []
    if drawn.angle is not None:
        parts.append(workings.signed(drawn.angle, 0) + "°")
    if drawn.scale is not None:
        parts.append(f"×{drawn.scale:.2f}")
    if spec.view == "alone":
        if drawn.bend is not None:
            parts.append(f"{drawn.bend:.1f}画素")
        if drawn.brightness is not None:
            parts.append(f"明 ×{drawn.brightness:.2f}")
        if drawn.sigma is not None:
            parts.append(f"σ {drawn.sigma:.1f}")
        if drawn.erased:
            parts.append(f"−{100 * drawn.erased:.0f}%")
    return " ".join([NUMBERS[number], *parts])


def described(number: int, drawn: Drawn) -> str:
    """Say what was drawn for a variant, for those who cannot see it."""
    parts = ["左右反転"] if drawn.flipped else []
    if drawn.angle is not None:
        parts.append(f"{workings.signed(drawn.angle, 0)}度の回転")
    if drawn.scale is not None:
        parts.append(f"{drawn.scale:.2f}倍")
    if drawn.erased:
        parts.append(f"面積の{100 * drawn.erased:.0f}%を消去")
    told = "、".join(parts) or "大きな動きなし"
    return f"変形 {number + 1}: {told}。もとの画像との差の平均 {drawn.difference:.3f}"


def _flip(source: SourceSpec) -> str:
    if source.name == "digit":
        return "鏡に映した文字は、もう同じ文字ではありません(2 や 5 は鏡文字になります)。"
    if source.name == "upload":
        return (
            "左右に意味のある画像(胸部・腹部・眼底・脳など)では、別の病気や別の側の画像になります。"
            "左右に意味がない画像(皮膚の一部、病理の切片など)なら、たいてい問題になりません。"
        )
    if source.mirrored:
        return "この模式図は**内臓逆位**です。反転すると、ふつうの配置に見えてしまいます。"
    return (
        "心臓が反対側に来て、**内臓逆位**に見えます。気胸や胸水の「どちら側か」も入れ替わります。"
        "ラベルが左右に関わるなら使えません。"
    )


def _rotation(source: SourceSpec, degrees: float) -> str:
    if source.name == "digit":
        if degrees > 90:
            return (
                "**6 を 180° 回すと 9 になります。** ラベルが「6」のままなら、間違いを教えることになります。"
            )
        return "字の傾きのくせの範囲(±15° ほど)なら、同じ数字のままです。"
    if degrees > 30:
        return (
            "撮影で体がこれほど傾くことはまずありません。"
            "起こり得ない画像を覚えさせることになり、重力で決まる所見(胃泡の液面、胸水のたまり方)も崩れます。"
        )
    return "撮影のときの体の傾きにあたります。±15° ほどまでなら、起こり得る範囲です。"


def _erase(source: SourceSpec) -> str:
    if source.name == "digit":
        return "線の要の部分が消えると、別の数字に見えます(8 の一部が消えると 3 や 6)。"
    if source.name == "film" and source.nodule:
        return (
            "**結節が消えても、ラベルは「結節あり」のまま**です。無い所見を当てるように教えることになります。"
        )
    return "病変が消えても、ラベルは「病変あり」のままです。小さな所見を探す課題では、面積を小さくします。"


def is_mild(name: str, strength: float, source: SourceSpec) -> bool:
    """Say whether a transform hardly changes what this picture means at this strength."""
    return strength <= MILD[name][source.name == "digit"]


def warning(name: str, strength: float, source: SourceSpec) -> str:
    """Say what a transform can do to the meaning of this picture."""
    digit = source.name == "digit"
    if name == "flip":
        return _flip(source)
    if name == "rotation":
        return _rotation(source, strength)
    if name == "erase":
        return _erase(source)
    if name == "affine":
        return (
            "字が枠からはみ出すと、読めなくなります。"
            if digit
            else "肺尖や肋骨横隔膜角が枠の外に出ることがあります。**心胸郭比**のような比は保たれますが、"
            "大きさそのもの(結節の mm、心臓の横径)は変わります。"
        )
    if name == "elastic":
        return (
            "筆跡の違いによく似た変形で、手書き文字では昔から使われています。"
            if digit
            else "骨が波打って**骨折や側弯**のように見え、心臓の形も変わります。"
            "体の硬い部分では起こり得ません。"
        )
    if name == "jitter":
        return (
            "字の濃さの違いにあたります。形は変わらないので、数字の意味は変わりません。"
            if digit
            else "撮影条件の違いにあたります。"
            "強すぎると肺の濃さが変わり、**気腫や浸潤影**と紛らわしくなります。"
            "CT では値そのもの(CT値、HU)に意味があるため、とくに注意します。"
        )
    if name == "blur":
        return (
            "強くぼかすと、線のすき間が埋まって 3 と 8 の区別が消えます。"
            if digit
            else "細い線と小さな点から消えます。"
            "**気胸の胸膜線、微細石灰化、間質性の網状影**は、ぼかすと見えなくなります。"
        )
    return (
        "紙の汚れや読み取りの粗さにあたります。"
        if digit
        else "線量の少ない撮影にあたります。強すぎると、淡いすりガラス影や小さな結節が雑音に埋もれます。"
    )
