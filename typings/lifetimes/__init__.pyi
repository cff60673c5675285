import pandas as pd
from numpy import float64
from numpy.typing import NDArray

class ParetoNBDFitter:
    params_: pd.Series[float]
    def __init__(self, penalizer_coef: float = ...) -> None: ...
    def conditional_expected_number_of_purchases_up_to_time(
        self,
        t: float,
        frequency: NDArray[float64],
        recency: NDArray[float64],
        T: NDArray[float64],
    ) -> NDArray[float64]: ...
    def conditional_probability_alive(
        self, frequency: NDArray[float64], recency: NDArray[float64], T: NDArray[float64]
    ) -> NDArray[float64]: ...
    def conditional_probability_of_n_purchases_up_to_time(
        self, n: int, t: float, frequency: float, recency: float, T: float
    ) -> float: ...

class GammaGammaFitter:
    params_: pd.Series[float]
    def __init__(self, penalizer_coef: float = ...) -> None: ...
    def fit(self, frequency: NDArray[float64], monetary_value: NDArray[float64]) -> GammaGammaFitter: ...
    def conditional_expected_average_profit(
        self, frequency: NDArray[float64], monetary_value: NDArray[float64]
    ) -> NDArray[float64]: ...
