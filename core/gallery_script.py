"""A gallery as a torchvision script that makes the same pictures, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from core.gallery_specs import IN_A_ROW, PLACES, STEPS, VARIANTS, GallerySpec
from core.script_source import module_source

_HEAD = """\
# データ拡張のギャラリー: 1枚の画像から {count} 枚の変形を作る
# AI研修医ラボの画面と同じ画像・変換・強さ・乱数で作り、PNG ファイルに保存します。
# 必要なもの: pip install torch torchvision pillow{needs}
# 教育用です。診断・治療には使えません。

{imports}

SEED = {seed}  # くじの種
SIDE = 256  # 画像の一辺(画素)
BILINEAR = v2.InterpolationMode.BILINEAR  # 画素と画素のあいだを、なめらかに補う


# ----- もとの画像 -----
{source}


# ----- 変換 -----
{classes}# 番号は、くじを引くときの目印です。変換を消しても、ほかの変換の番号は変えないでください。
STEPS = {{
{steps}}}


# ----- 変形を作る -----
def save(picture, name):
    \"\"\"0〜1 の明るさを 8ビットの PNG にする。\"\"\"
    picture = (picture.clamp(0, 1) * 255).round().byte()
    v2.functional.to_pil_image(picture).save(name)


save(image, "original.png")
{loop}"""

_TOGETHER = """
for variant in range({count}):
    picture = image
    for number, step in STEPS.items():
        torch.manual_seed(1000 * SEED + 10 * variant + number)  # どの枚も、どの変換も、別のくじ
        picture = step(picture)
    save(picture, f"variant_{{variant + 1}}.png")
    difference = (picture - image).abs().mean().item()
    print(f"{{variant + 1}}枚目: もとの画像との明るさの差の平均 {{difference:.4f}}")
"""
_ALONE = """
for number, step in STEPS.items():
    for variant in range({count}):
        torch.manual_seed(1000 * SEED + 10 * variant + number)  # どの枚も、どの変換も、別のくじ
        picture = step(image)
        if variant < {shown}:
            save(picture, f"{{type(step).__name__}}_{{variant + 1}}.png")
        difference = (picture - image).abs().mean().item()
        print(f"{{type(step).__name__}} {{variant + 1}}枚目: 差の平均 {{difference:.4f}}")
"""

_FILM = """\
# 数式で描いた胸部X線の模式図です。どの患者のものでもありません。


{module}


rng = np.random.default_rng({seed})
drawn = film(rng, SIDE, mirrored={mirrored}, nodule={nodule})
image = torch.from_numpy(drawn)[None]  # (1, 256, 256)"""

_DIGIT = """\
# scikit-learn の手書き数字(8×8 画素)を、余白をつけて引き伸ばします。
digits = load_digits()
small = digits.images[digits.target == {digit}][{sample}] / 16
padded = np.pad(small, 2).astype(np.float32)[None]
image = v2.functional.resize(torch.from_numpy(padded), [SIDE, SIDE])  # (1, 256, 256)"""

_FIT = """
scale = SIDE / max(opened.size)
fitted = opened.resize([max(1, round(edge * scale)) for edge in opened.size])
square = Image.new(fitted.mode, (SIDE, SIDE))
square.paste(fitted, [(SIDE - edge) // 2 for edge in fitted.size])
image = v2.functional.to_dtype(v2.functional.to_image(square), scale=True)  # 0〜1 の明るさ"""

_FILE = """\
# ご自分の画像です。FILE を、お手元のファイルの名前に書きかえてください。
FILE = "my_picture.png"
opened = ImageOps.exif_transpose(Image.open(FILE)).convert("{mode}")
{fit}"""

_WINDOWED = """\
# ご自分の画像です。FILE を、お手元のファイルの名前に書きかえてください。
FILE = "my_picture.{suffix}"
LOW, HIGH = {low!r}, {high!r}  # この値を黒に、この値を白に
{read}
bright = np.clip((values - LOW) / (HIGH - LOW), 0, 1)
opened = Image.fromarray(({bright} * 255).round().astype(np.uint8))
{fit}"""

_DICOM = """\
tags = pydicom.dcmread(FILE)
frames = tags.pixel_array.reshape(-1, tags.Rows, tags.Columns).astype(np.float32)
slope, intercept = tags.get("RescaleSlope") or 1, tags.get("RescaleIntercept") or 0
values = frames[len(frames) // 2] * float(slope) + float(intercept)"""
_DICOM_COLOURS = """\
values = pydicom.dcmread(FILE).pixel_array.astype(np.float32)"""

SAID = {
    "film": "胸部X線の模式図を1枚描く。どの患者のものでもない。",
    "blurred": "正方形の画像を縦横にぼかす。どちらも、重みを並べた行列との掛け算1回で済む。",
    "Blur": "v2.GaussianBlur と同じ(計算だけ速い)。",
    "Elastic": "v2.ElasticTransform と同じ(計算だけ速い)。",
}


@dataclass(frozen=True, kw_only=True)
class UploadedPicture:
    """How a reader's file was read: its kind, whether in colours, and its window where it has one."""

    kind: str = "PNG"
    colours: bool = False
    adjustable: bool = False
    inverted: bool = False
    low: float = 0.0
    high: float = 255.0


def _called(name: str, strength: float) -> str:
    called, arguments = STEPS[name].call(strength)
    told = {k: "BILINEAR" if k == "interpolation" else repr(v) for k, v in arguments.items()}
    return f"{called}({', '.join(f'{k}={v}' for k, v in told.items())})"


def _upload(upload: UploadedPicture) -> tuple[str, list[str]]:
    """Write how to read the reader's own file, as the page did but for details of scaling."""
    fit = _FIT.strip()
    if upload.kind != "DICOM" and not upload.adjustable:
        mode = "RGB" if upload.colours else "L"
        return _FILE.format(mode=mode, fit=fit), ["from PIL import Image, ImageOps"]
    is_dicom = upload.kind == "DICOM"
    opened = _DICOM_COLOURS if upload.colours else _DICOM
    text = _WINDOWED.format(
        suffix="dcm" if is_dicom else "png",
        low=upload.low,
        high=upload.high,
        read=opened if is_dicom else "values = np.asarray(Image.open(FILE)).astype(np.float32)",
        bright="(1 - bright)" if upload.inverted else "bright",
        fit=fit,
    )
    return text, [*(["import pydicom"] if is_dicom else []), "from PIL import Image"]


@lru_cache(maxsize=2)
def _module(name: str) -> str:
    return module_source(name, SAID)


def gallery_script(spec: GallerySpec, upload: UploadedPicture | None = None) -> str:
    """Write the script of a gallery; for an upload with what the script must know to read it."""
    source, extra = spec.source, []
    if source.name == "film":
        told = _FILM.format(
            module=_module("core.phantom"),
            seed=source.seed,
            mirrored=source.mirrored,
            nodule=source.nodule,
        )
    elif source.name == "digit":
        told, extra = (
            _DIGIT.format(digit=source.digit, sample=source.sample),
            ["from sklearn.datasets import load_digits"],
        )
    else:
        told, extra = _upload(upload or UploadedPicture())
    names = {name for name, _ in spec.strengths}
    own = bool(names & {"blur", "elastic"})
    steps = "".join(f"    {PLACES[name]}: {_called(name, strength)},\n" for name, strength in spec.strengths)
    loop = (_ALONE if spec.view == "alone" else _TOGETHER).format(count=VARIANTS, shown=IN_A_ROW)
    imports = ["import numpy as np", "import torch", *sorted(extra), "from torchvision.transforms import v2"]
    return _HEAD.format(
        count=VARIANTS,
        needs={"digit": " scikit-learn"}.get(source.name, " pydicom" if "import pydicom" in extra else ""),
        imports="\n".join(imports),
        seed=spec.seed,
        source=told,
        classes=_module("core.gallery_steps") + "\n\n\n" if own else "",
        steps=steps,
        loop=loop.strip("\n") + "\n",
    )
