from __future__ import annotations

import pytest

from headrace_prefect.routing import Router, canonical, is_id

ID = "0198c0de-0000-7000-8000-00000000abcd"


@pytest.fixture
def router() -> Router[str]:
    paths = [
        ("GET", "/flows/{id:uuid}"),
        ("DELETE", "/flows/{id:uuid}"),
        ("POST", "/flows/filter"),
        ("GET", "/flows/name/{name}"),
        ("GET", "/deployments/name/{flow}/{deployment}"),
        ("GET", "/things/{id_or_name}"),
        ("GET", "/things/{id:uuid}/parts"),
        ("DELETE", "/automations/owned-by/{resource_id:path}"),
    ]
    return Router((method, path, f"{method} {path}") for method, path in paths)


@pytest.mark.parametrize(
    ("path", "methods", "values"),
    [
        (f"flows/{ID}", {"GET", "DELETE"}, {"id": ID}),
        (f"/flows/{ID.upper()}/", {"GET", "DELETE"}, {"id": ID}),
        (f"/flows/{ID.replace('-', '')}", {"GET", "DELETE"}, {"id": ID}),
        ("/flows/filter/", {"POST"}, {}),
        ("/flows/name/a%20b%C3%A9", {"GET"}, {"name": "a bé"}),
        ("/deployments/name/x%2Fy/z", {"GET"}, {"flow": "x/y", "deployment": "z"}),
        ("/things/one", {"GET"}, {"id_or_name": "one"}),
        (f"/things/{ID}/parts", {"GET"}, {"id": ID}),
        (f"/things/{ID}", {"GET"}, {"id_or_name": ID}),
        ("/automations/owned-by/a.b/c%2Fd", {"DELETE"}, {"resource_id": "a.b/c/d"}),
    ],
)
def test_a_path_finds_its_route(router: Router[str], path: str, methods: set[str], values: dict[str, str]) -> None:
    found = router.find(path)
    assert found is not None
    assert set(found.by_method) == methods
    assert found.values == values


@pytest.mark.parametrize("path", ["flows", "flows/nothing", "flows/name", "flows/name/a/b", "", "//", "things/x/parts"])
def test_what_stands_nowhere_is_not_found(router: Router[str], path: str) -> None:
    assert router.find(path) is None


def test_two_routes_for_the_same_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two routes"):
        Router([("GET", "/a/{x}", 1), ("GET", "/a/{y}", 2)])


def test_ids_have_one_form() -> None:
    assert canonical("0198C0DE00007000800000000000ABCD") == ID
    assert not is_id("0198c0de-0000-7000-8000-00000000abc")
