from types import TracebackType
from typing import Any, Literal, Self

class threadpool_limits:
    def __init__(
        self,
        limits: int | dict[str, int] | Literal["sequential_blas_under_openmp"] | None = ...,
        user_api: Literal["blas", "openmp"] | None = ...,
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

class ThreadpoolController:
    def limit(
        self,
        *,
        limits: int | dict[str, int] | Literal["sequential_blas_under_openmp"] | None = ...,
        user_api: Literal["blas", "openmp"] | None = ...,
    ) -> threadpool_limits: ...

def threadpool_info() -> list[dict[str, Any]]: ...
