"""Exit 0 if the server in this container answers queries, 1 if not."""

import os
import sys
import urllib.request

# Docker may hand the container a proxy for the outside; this request must not go there.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> str | int:
    """Ask the readiness route; anything but an answer of 200 is a reason to fail."""
    url = f"http://127.0.0.1:{os.environ.get('HUEWEAVE_PORT', '8000')}/readyz"
    try:
        with _OPENER.open(url, timeout=4):
            return 0
    except OSError as error:
        return f"{url}: {error}"


if __name__ == "__main__":
    sys.exit(main())
