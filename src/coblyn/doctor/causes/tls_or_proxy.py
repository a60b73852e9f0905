"""A download that fails at the certificate or the proxy."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_FATAL = (
    r"ERROR: (?:Could not|No matching)|CMake Error|\berror: "
    r"(?:subprocess|RPC)|fatal:|Traceback|exit code"
)

CAUSE = log_cause(
    "tls-or-proxy",
    "A download failed at the certificate, the proxy or the network",
    sign(
        r"CERTIFICATE_VERIFY_FAILED[^\n]{0,120}",
        "The server's certificate is not trusted here.",
        also=_FATAL,
    ),
    sign(
        r"(?:SSL certificate problem|server certificate verification failed)[^\n]{0,120}",
        "The server's certificate is not trusted here.",
    ),
    sign(
        r"ssl module (?:in Python )?is not available",
        "This Python was built without OpenSSL, so that pip can not use HTTPS.",
        text="Install Python with OpenSSL (from python.org or the distribution); for pyenv "
        "install OpenSSL's headers first.",
    ),
    sign(
        r"ProxyError\(|407 Proxy Authentication Required|Received HTTP code \d+ from proxy",
        "The proxy does not let the download through.",
        also=_FATAL,
    ),
    sign(
        r"Failed to establish a new connection: (?P<why>[^\n)]{1,120})",
        "pip could not reach the index: {why}",
        also=_FATAL,
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"ReadTimeoutError: HTTPSConnectionPool[^\n]{0,120}",
        "The index did not answer in time.",
        also=_FATAL,
        sure=Confidence.MEDIUM,
    ),
    looks_like="SSL: CERTIFICATE_VERIFY_FAILED; ProxyError; Failed to establish a new connection",
    explanation="A company's proxy often puts its own certificate between; Python, pip and git each have their own "
    "list of those that they trust. Python of python.org on macOS starts without any.",
    fix="Give them the proxy's certificate (pip config set global.cert FILE, git config --global http.sslCAInfo "
    "FILE, SSL_CERT_FILE) and set https_proxy; on macOS run Python's “Install Certificates.command”.",
    links=(
        "https://github.com/pypa/pip/issues/9568",
        "https://github.com/pypa/pipx/issues/961",
    ),
    explains=(
        "pip-no-distribution",
        "pip-build-failed",
        "source-download-failed",
    ),
)
