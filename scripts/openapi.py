"""Print docs/openapi.json: every request of the service, as an OpenAPI 3.1 document. `make docs` writes it."""

from __future__ import annotations

import json

from crm_online.api.app import openapi

if __name__ == "__main__":
    print(json.dumps(openapi(), indent=2, ensure_ascii=False))
