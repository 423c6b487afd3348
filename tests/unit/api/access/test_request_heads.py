import pytest

from api.access.middleware.connection import HEAD_BYTES_MAX, head_fault


@pytest.mark.parametrize("received", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n\nbody\n"])
def test_head_in_good_form_has_no_fault(received: bytes) -> None:
    assert head_fault(received) is None


@pytest.mark.parametrize(
    ("received", "code"),
    [(b"GET / HTTP/1.1\nHost: a\r\n\r\n", "bad_request"), (b"G" * (HEAD_BYTES_MAX + 1), "head_too_large")],
)
def test_head_that_a_proxy_may_read_otherwise_is_refused(received: bytes, code: str) -> None:
    fault = head_fault(received)

    assert fault is not None
    assert fault.code == code
