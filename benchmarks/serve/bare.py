"""``python -m benchmarks.serve.bare``: a FastAPI application with one route, on the server that the service has."""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/v1/customers/{customer_id}")
async def get_customer(customer_id: str) -> dict[str, str]:
    """Answer with nothing but what was asked."""
    return {"customer_id": customer_id}


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say where."""
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"http://127.0.0.1:{port}", flush=True)


if __name__ == "__main__":
    _Server(uvicorn.Config(app, port=0, access_log=False, log_config=None)).run()
