"""All bindings in memory."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ringdove.model.binding import StoredBinding
from ringdove.registrar.index import Index, flow_of


def _binding(extension_id: int = 1, key: str = "a", **changed: Any) -> StoredBinding:
    fields: dict[str, Any] = {
        "extension_id": extension_id,
        "key": key,
        "contact": f"sip:{key}",
        "call_id": "c",
        "cseq": 1,
        "transport": "tcp",
        "remote_host": "192.0.2.9",
        "remote_port": 1,
        "local_host": "192.0.2.1",
        "local_port": 5060,
        "expires_at": 100.0,
        "registered_at": 0.0,
    }
    return StoredBinding(**fields | changed)


def test_bindings_are_found_by_extension_and_by_flow() -> None:
    index = Index()
    first, second, other = _binding(), _binding(key="b"), _binding(2, remote_port=2)
    for binding in (first, second, other):
        index.put(binding)
    assert index.of(1) == {"a": first, "b": second}
    assert index.over(flow_of(first)) == [first, second]
    assert set(index) == {first, second, other}
    index.remove(1, "a")
    index.remove(1, "gone")
    assert index.over(flow_of(first)) == [second]
    assert len(index) == 2


def test_a_binding_that_moves_leaves_its_old_flow() -> None:
    index = Index()
    old, new = _binding(), _binding(remote_port=2)
    index.put(old)
    index.put(new)
    assert index.over(flow_of(old)) == []
    assert index.over(flow_of(new)) == [new]
    assert len(index) == 1


def test_only_the_latest_expiry_counts() -> None:
    index = Index()
    index.put(_binding(expires_at=10.0))
    index.put(_binding(expires_at=20.0))
    assert index.expired(15.0) == []
    assert index.expired(20.0) == [_binding(expires_at=20.0)]


def test_expiries_do_not_pile_up() -> None:
    index = Index()
    for second in range(10_000):
        index.put(_binding(expires_at=float(second)))
    assert len(index._expiries) < 100


def test_a_mark_is_news_once_and_ends_with_a_registration() -> None:
    index = Index()
    binding = _binding()
    index.put(binding)
    assert index.mark(binding, reachable=True) is False
    assert index.mark(binding, reachable=False) is True
    assert index.mark(binding, reachable=False) is False
    assert not index.is_reachable(binding)
    assert index.unreachable_keys(1) == {"a"}
    index.put(binding)
    assert index.is_reachable(binding)


def test_a_mark_for_a_binding_that_moved_or_went_is_ignored() -> None:
    index = Index()
    index.put(_binding(remote_port=2))
    assert index.mark(_binding(), reachable=False) is False
    assert index.mark(_binding(9), reachable=False) is False
    assert index.unreachable_keys(1) == set()


operations = st.tuples(
    st.sampled_from(["put", "remove", "mark"]), st.integers(1, 3), st.sampled_from("ab"), st.integers(1, 2)
)


@given(st.lists(operations, max_size=40))
def test_every_view_tells_the_same(steps: list[tuple[str, int, str, int]]) -> None:
    index = Index()
    for what, extension_id, key, port in steps:
        binding = _binding(extension_id, key, remote_port=port)
        if what == "put":
            index.put(binding)
        elif what == "remove":
            index.remove(extension_id, key)
        else:
            index.mark(binding, reachable=False)
    everything = set(index)
    assert len(index) == len(everything)
    assert {b for extension_id in (1, 2, 3) for b in index.of(extension_id).values()} == everything
    assert {b for port in (1, 2) for b in index.over(("tcp", "192.0.2.9", port))} == everything
    assert set(index.expired(1000.0)) == everything


def test_newcomers_are_new_or_have_moved_and_are_told_once() -> None:
    index = Index()
    index.put(_binding())
    index.put(_binding(key="gone"))
    index.remove(1, "gone")
    assert index.newcomers() == [_binding()]
    index.put(_binding(expires_at=200.0))
    assert index.newcomers() == []
    index.put(_binding(remote_port=2))
    assert index.newcomers() == [_binding(remote_port=2)]
