"""The compose file."""

from typing import Any

import pytest
import yaml

from tests.docker.files import DOCKER, DOCKERFILE, last, pairs

COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
SERVICES = sorted(COMPOSE["services"])


def test_compose_serves_and_builds_only_when_asked() -> None:
    assert SERVICES == ["build", "hueweave"]
    assert "profiles" not in COMPOSE["services"]["hueweave"]
    assert COMPOSE["services"]["build"]["profiles"] == ["build"]


@pytest.mark.parametrize("name", SERVICES)
def test_services_have_no_more_rights_than_they_need(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]
    assert "user" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_services_see_the_pictures_read_only_and_one_index(name: str) -> None:
    volumes = COMPOSE["services"][name]["volumes"]
    (pictures,) = [one for one in volumes if one["type"] == "bind"]
    index = next(one for one in volumes if one["type"] == "volume")
    assert pictures["read_only"] is True
    assert pictures["source"].startswith("${PICTURES:?")
    assert index["target"] == pairs("ENV")["HUEWEAVE_INDEX"]
    assert index["source"] in COMPOSE["volumes"]
    others = [one["target"] for one in volumes if one not in (pictures, index)]
    assert others == (["/keys"] if name == "hueweave" else [])


def test_without_keys_it_says_on_purpose_that_nobody_needs_one_and_with_keys_they_count() -> None:
    environment = COMPOSE["services"]["hueweave"]["environment"]
    assert environment["HUEWEAVE_ANONYMOUS"] == "true"
    assert environment["HUEWEAVE_KEYS"] == "${KEYS:-}"
    assert "environment" not in COMPOSE["services"]["build"]


def test_the_port_is_published_on_this_machine_only() -> None:
    (port,) = COMPOSE["services"]["hueweave"]["ports"]
    assert port == f"${{PUBLISH:-127.0.0.1:8000}}:{last('EXPOSE')}"


def test_only_the_server_has_a_health_check_and_it_is_the_one_of_the_image() -> None:
    assert "healthcheck" not in COMPOSE["services"]["hueweave"]
    assert COMPOSE["services"]["build"]["healthcheck"] == {"disable": True}


def test_build_arguments_of_compose_exist() -> None:
    named = set(COMPOSE["services"]["hueweave"]["build"]["args"])
    assert named <= {one.value.partition("=")[0] for one in DOCKERFILE if one.name == "ARG"}
