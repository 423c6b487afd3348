"""Symbols, their trading rules, and their life cycles."""

from simulator.symbols.catalogue import Catalogue, Delisted
from simulator.symbols.decimals import has_excess_decimals, plain, truncate
from simulator.symbols.instrument import FeeAsset, Instrument, Phase, Quotes, TradeSide
from simulator.symbols.scenario_order import scenario_of, scenario_symbol
from simulator.symbols.scenarios import CALM_PERIODS, Course, Scenario, course_of, wave
from simulator.symbols.symbol_generator import DAY_MS, SymbolGenerator, fresh_symbols, newcomer

__all__ = [
    "CALM_PERIODS",
    "DAY_MS",
    "Catalogue",
    "Course",
    "Delisted",
    "FeeAsset",
    "Instrument",
    "Phase",
    "Quotes",
    "Scenario",
    "SymbolGenerator",
    "TradeSide",
    "course_of",
    "fresh_symbols",
    "has_excess_decimals",
    "newcomer",
    "plain",
    "scenario_of",
    "scenario_symbol",
    "truncate",
    "wave",
]
