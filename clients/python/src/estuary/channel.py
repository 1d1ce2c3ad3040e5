"""Channels to Estuary's processes: message sizes, keepalive, certificates."""

import pathlib

import grpc

_OPTIONS = [
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 64 << 20),
    # A peer that died without a word is noticed, so that a stream without a deadline cannot hang for ever.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
]


def make_channel(address, tls=None):
    """A channel to "host:port" or "unix:/path".

    `tls` is a folder with ca.pem, cert.pem and key.pem, as `estuary certs issue` writes it; None: plaintext.
    """
    if tls is None:
        return grpc.insecure_channel(address, options=_OPTIONS)
    folder = pathlib.Path(tls)
    parts = {}
    for name in ("ca.pem", "cert.pem", "key.pem"):
        try:
            parts[name] = (folder / name).read_bytes()
        except OSError as error:
            raise ValueError(f"cannot read {folder / name}: {error}; `estuary certs issue` writes it") from error
    credentials = grpc.ssl_channel_credentials(
        root_certificates=parts["ca.pem"], private_key=parts["key.pem"], certificate_chain=parts["cert.pem"]
    )
    return grpc.secure_channel(address, credentials, options=_OPTIONS)


def backoff(first=0.1, longest=5.0):
    """Seconds to wait before each further try."""
    wait = first
    while True:
        yield wait
        wait = min(2 * wait, longest)
