"""A recipe's digest pins what determines the pools, and only that."""

import json
from dataclasses import replace

import pytest

from models.preprocess import Preprocess
from models.recipe import Recipe

RECIPE = Recipe(
    "resnet50", "IMAGENET1K_V1", "a" * 64, (0.485, 0.456, 0.406), (0.5, 0.5, 0.5), Preprocess()
)


def test_a_recipe_survives_json() -> None:
    document = json.loads(json.dumps(RECIPE.to_document()))
    again = Recipe.from_document(document)
    assert again == RECIPE
    assert again.digest == RECIPE.digest


@pytest.mark.parametrize(
    "changed",
    [
        replace(RECIPE, backbone="resnet50_v1"),
        replace(RECIPE, weights_sha256="b" * 64),
        replace(RECIPE, mean=(0.485, 0.456, 0.407)),
        replace(RECIPE, std=(0.5, 0.5, 0.6)),
        replace(RECIPE, preprocess=Preprocess(size=256)),
        replace(RECIPE, preprocess=Preprocess(white=250)),
        replace(RECIPE, preprocess=Preprocess(oversample=0)),
    ],
)
def test_whatever_changes_the_pools_changes_the_digest(changed: Recipe) -> None:
    assert changed.digest != RECIPE.digest


def test_where_the_weights_lie_does_not_change_the_digest() -> None:
    assert replace(RECIPE, weights="/elsewhere/resnet50.pth").digest == RECIPE.digest


def test_the_digest_of_a_recipe_is_fixed_for_good() -> None:
    # Stored in every index: whatever breaks this breaks them all.
    assert RECIPE.digest == "3f8fde24432e394068ef1afc941f663c48d0b9cf0fbfe69a03a3428e51d2ece1"


def test_a_document_that_is_no_recipe_is_refused() -> None:
    document = RECIPE.to_document()
    with pytest.raises(TypeError, match="unheard"):
        Recipe.from_document({**document, "unheard": 1})
    del document["mean"]
    with pytest.raises(KeyError, match="mean"):
        Recipe.from_document(document)
