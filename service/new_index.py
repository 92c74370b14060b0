"""What a new index is asked to be, and what it was made as, over REST."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from indexer.presets import PRESETS
from models.backbones import AUTO, BACKBONES

_PART = "[1-5](-[1-5])?"
_BLOCKS = f"{AUTO}|{_PART}(,{_PART}){{0,4}}"
_SQ = "SQ(4|6|8|fp16|bf16)"
# FAISS takes far more than this, some of which takes all the memory there is: a server's clients
# have only what is of use.
_INDEX_TYPE = (
    f"{AUTO}|(PCA[1-9][0-9]{{0,2}},)?"
    f"(Flat|{_SQ}|HNSW[1-9][0-9]{{0,2}}(,(Flat|{_SQ}))?"
    f"|IVF[1-9][0-9]{{0,4}},(Flat|{_SQ}|PQ[1-9][0-9]{{0,2}}(x[48])?))"
)


def _one_of(*known: str) -> Any:
    """Name those known in the schema; a value that is none is an error of whoever needs it."""
    return Field(json_schema_extra={"enum": list(known)})


def _like(pattern: str, expected: str) -> AfterValidator:
    """Check against a pattern, with an error in words."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(f"expected {expected}")
        return text

    return AfterValidator(check)


def _shown(pattern: str) -> Any:
    return Field(json_schema_extra={"pattern": f"^({pattern})$"})


_AS_BLOCKS = "auto, or blocks out of 1 to 5 such as 1-4 or 2,4"
_REDUCE = "none|pca:([1-9][0-9]{0,2}|1[0-9]{3}|20[0-3][0-9]|204[0-8])"
_AS_REDUCE = "none, or pca:64 or the like, up to pca:2048"
_AS_INDEX_TYPE = "auto, Flat, SQ8, HNSW32, IVF256,SQ8, PCA64,IVF256,Flat or the like"


class NewIndex(BaseModel):
    """What an index is made with. What is left out is as the server's own settings say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    backbone: Annotated[str, _one_of(AUTO, *BACKBONES)] | None = None
    preset: Annotated[str, _one_of(*PRESETS)] | None = None
    blocks: Annotated[str, _shown(_BLOCKS), _like(_BLOCKS, _AS_BLOCKS)] | None = Field(
        None, description=f"What it stores: {_AS_BLOCKS}."
    )
    metric: Literal["cosine", "l2"] | None = None
    index_type: Annotated[str, _shown(_INDEX_TYPE), _like(_INDEX_TYPE, _AS_INDEX_TYPE)] | None = (
        Field(None, description=f"How FAISS keeps its vectors: {_AS_INDEX_TYPE}.")
    )
    profile: Literal["small", "fast"] | None = Field(
        None, description="What an index of type auto is to be."
    )
    recall: float | None = Field(
        None, ge=0.5, le=0.999, description="Share of the nearest that auto is tuned to find."
    )
    reduce: Annotated[str, _shown(_REDUCE), _like(_REDUCE, _AS_REDUCE)] | None = Field(
        None, description=f"Numbers that an attribute's vectors keep: {_AS_REDUCE}."
    )


class NewIndexView(BaseModel):
    """What an index was made with."""

    name: str
    backbone: str
    preset: str
    blocks: str = Field(description="The blocks that it stores, with commas.")
    metric: str
    index_type: str
    profile: str
    recall: float
    reduce: str
