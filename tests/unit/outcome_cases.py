"""Wrong designs and truths of outcomes alone, one a row, and what the answer must say."""

from __future__ import annotations

from tests.workflow.bad_cases import Case

RESPONSE = """\
title: Two arms, a response or none
arms: [old, new]
allocation:
  ratio: {old: 1, new: 1}
  method: permuted_blocks
  block_sizes: [2]
endpoint: {measure: response}
analysis:
  method: beta_binomial
  prior: {old: [1, 1], new: [1, 1]}
decision:
  success:
    probability_of: new > old
    above: 0.975
looks: [{information: 0.5}, {information: 1.0}]
sample_size:
  n: 100
"""
EVENTS = """\
title: Two arms, time to an event
arms: [old, new]
allocation:
  ratio: {old: 1, new: 1}
  method: permuted_blocks
  block_sizes: [2]
accrual:
  rates: [{from_month: 0, patients_per_month: 5}, {from_month: 4, patients_per_month: 15}]
  arrivals: even
endpoint: {measure: time_to_event}
analysis:
  method: logrank
decision:
  success:
    test_of: new < old
    alpha: 0.025
    boundary: {kind: lan_demets_obrien_fleming}
looks: [{events: 60}, {events: 120}]
sample_size:
  n: 200
"""
TEST = RESPONSE.replace("beta_binomial\n  prior: {old: [1, 1], new: [1, 1]}", "z_test").replace(
    "probability_of: new > old\n    above: 0.975",
    "test_of: new > old\n    alpha: 0.025\n    boundary: {kind: pocock}",
)
_SUCCESS = ("decision", "success")
_BLOCKS = "  method: permuted_blocks\n  block_sizes: [2]\n"
_TWO = "[{information: 0.5}, {information: 1.0}]"
_ROW = "{events: 60}, {events: 120}"

# what is wrong in any design of outcomes alone; here in that of responses
RESPONSES = [
    Case("key_at_the_top", "looks: [", "look: [", ("look",), _TWO,
         "the nearest known key is 'looks'", f"looks: {_TWO}"),
    Case("key_inside", "block_sizes: [2]", "block_size: [2]", ("allocation", "block_size"), "[2]",
         "the nearest known key is 'block_sizes'", "block_sizes: [2]"),
    Case("key_of_patients", "measure: response}", "measure: response, at_week: 16}",
         ("endpoint", "at_week"), "16", "is not a known key", None),
    Case("another_measure", "measure: response}", "measure: respons}", ("endpoint", "measure"),
         "'respons'", "choose 'response' or 'time_to_event'", "measure: response"),
    Case("one_arm_twice", "[old, new]", "[old, old]", ("arms",), "['old', 'old']",
         "each another", "arms: [control, treated]"),
    Case("three_arms", "[old, new]", "[old, new, third]", ("arms",), "['old', 'new', 'third']",
         "at most 2", "arms: [control, treated]"),
    Case("arms_that_are_none_of_the_ratio", "{old: 1, new: 1}", "{old: 1, newer: 1}",
         ("allocation", "ratio"), "{old: 1, newer: 1}", "it must name the arms, old, new",
         "ratio: {old: 1, new: 1}"),
    Case("no_allocation", "allocation:\n  ratio: {old: 1, new: 1}\n" + _BLOCKS, "",
         ("allocation",), "null", "needs an allocation",
         "allocation: {ratio: {old: 1, new: 1}, method: permuted_blocks, block_sizes: [4]}",
         "title:"),
    Case("block_that_holds_no_ratio", "block_sizes: [2]", "block_sizes: [3]",
         ("allocation", "block_sizes"), "[3]", "cannot hold the ratio 1:1", "block_sizes: [4]"),
    Case("no_blocks", "block_sizes: [2]", "block_sizes: []", ("allocation", "block_sizes"), "[]",
         "at least one size", "block_sizes: [4]"),
    Case("blocks_of_simple", _BLOCKS, "  method: simple\n  block_sizes: [2]\n",
         ("allocation", "block_sizes"), "[2]", "neither blocks nor strata",
         "allocation: {ratio: {old: 1, new: 1}, method: simple}", "block_sizes"),
    Case("strata_of_simple", _BLOCKS, "  method: simple\n  strata: [severity]\n",
         ("allocation", "strata"), "['severity']", "neither blocks nor strata",
         "allocation: {ratio: {old: 1, new: 1}, method: simple}", "strata"),
    Case("accrual_of_a_response", "endpoint:", "accrual: {rates: [{patients_per_month: 9}]}\n"
         "endpoint:", ("accrual",), "{rates: [{patients_per_month: 9}]}", "a response has none",
         "endpoint: {measure: response}", "accrual:"),
    Case("latest_week_of_a_response", "endpoint:", "latest_week: 156\nendpoint:",
         ("latest_week",), "156", "a response has none", "endpoint: {measure: response}",
         "latest_week:"),
    Case("looks_at_events", _TWO, f"[{_ROW}]", ("looks", 0, "events"), "60",
         "with a response or none a look is timed by information, n", f"looks: {_TWO}"),
    Case("looks_by_week", _TWO, "[{week: 26}, {week: 52}]", ("looks", 0, "week"), "26",
         "timed by information, n", f"looks: {_TWO}"),
    Case("looks_of_two_kinds", _TWO, "[{n: 50}, {information: 1.0}]", ("looks",),
         "[{n: 50}, {information: 1.0}]", "timed by the same", f"looks: {_TWO}"),
    Case("last_look_before_the_end", _TWO, "[{n: 50}, {n: 90}]", ("looks", 1, "n"), "90",
         "the last look is at all patients, 100", "n: 100"),
    Case("look_at_two_things", _TWO, "[{information: 0.5, n: 50}, {information: 1.0}]",
         ("looks", 0), "{information: 0.5, n: 50}", "exactly one of information, n",
         f"looks: {_TWO}"),
    Case("look_in_percent", _TWO, "[{information: 50}, {information: 1.0}]",
         ("looks", 0, "information"), "50", "50 % is 0.5", "information: 0.5"),
    Case("look_at_nobody", _TWO, "[{information: 0.001}, {information: 1.0}]", ("looks",),
         "[{information: 0.001}, {information: 1.0}]", "they would be at [0, 100]",
         f"looks: {_TWO}"),
    Case("prior_of_one_arm", "{old: [1, 1], new: [1, 1]}", "{old: [1, 1]}", ("analysis", "prior"),
         "{old: [1, 1]}", "it must name the arms, old, new",
         "prior: {old: [1, 1], new: [1, 1]}"),
    Case("no_prior", "  prior: {old: [1, 1], new: [1, 1]}\n", "", ("analysis", "prior"), "null",
         "it must name the arms, old, new", "prior: {old: [1, 1], new: [1, 1]}", "analysis:"),
    Case("weights_above_1", "new: [1, 1]", "new: [[0.8, 4, 9], [0.4, 1, 1]]",
         ("analysis", "prior"), "{old: [1, 1], new: [[0.8, 4, 9], [0.4, 1, 1]]}",
         "the weights of the prior of new are [0.8, 0.4]", "prior: {old: [1, 1], new: [1, 1]}"),
    Case("beta_of_nothing", "new: [1, 1]", "new: [0, 1]", ("analysis", "prior"),
         "{old: [1, 1], new: [0, 1]}", "the prior of new is Beta(0, 1)",
         "prior: {old: [1, 1], new: [1, 1]}"),
    Case("prior_of_three_numbers", "new: [1, 1]", "new: [1, 1, 1]", ("analysis", "prior", "new"),
         "[1, 1, 1]", "two numbers, [a, b]", "[1, 1]"),
    Case("variance_of_no_test", "method: beta_binomial", "method: beta_binomial\n"
         "  variance: unpooled", ("analysis", "variance"), "'unpooled'",
         "beta_binomial computes none", "variance: pooled", "variance"),
    Case("level_in_percent", "above: 0.975", "above: 97.5", (*_SUCCESS, "above"), "97.5",
         "97.5 % is 0.975", "above: 0.975"),
    Case("levels_for_three_looks", "above: 0.975", "above: [0.99, 0.98, 0.975]",
         (*_SUCCESS, "above"), "[0.99, 0.98, 0.975]", "one for each of the 2 looks",
         "above: [0.99, 0.975]"),
    Case("sign_of_hazards", "new > old", "new < old", (*_SUCCESS, "probability_of"), "'new < old'",
         "write 'a > b' with two arms of the design (old, new)", 'probability_of: "new > old"'),
    Case("arm_of_another_design", "new > old", "ivig > old", (*_SUCCESS, "probability_of"),
         "'ivig > old'", "two arms of the design (old, new)", 'probability_of: "new > old"'),
    Case("margin_in_points", "new > old", "new > old + 10", (*_SUCCESS, "probability_of"),
         "'new > old + 10'", "a margin below 1", 'probability_of: "new > old"'),
    Case("alpha_beside_a_level", "    above: 0.975", "    above: 0.975\n    alpha: 0.025",
         (*_SUCCESS, "alpha"), "0.025", "it belongs to test_of",
         'success: {probability_of: "new > old", above: 0.975}', "alpha"),
    Case("boundary_beside_a_level", "    above: 0.975", "    above: 0.975\n"
         "    boundary: {kind: pocock}", (*_SUCCESS, "boundary"), "{kind: 'pocock'}",
         "it belongs to test_of", 'success: {probability_of: "new > old", above: 0.975}',
         "boundary"),
    Case("and_also_of_the_other_order", "    above: 0.975", "    above: 0.975\n"
         "    and_also: {probability_of: old > new, above: 0.5}",
         (*_SUCCESS, "and_also", "probability_of"), "'old > new'",
         "success compares new with old", 'probability_of: "new > old"', "and_also"),
    Case("z_without_a_test", "    above: 0.975", "    above: 0.975\n  futility: {z_below: 0}",
         ("decision", "futility", "z_below"), "0", "beta_binomial computes no z",
         "predictive_probability_below: 0.05", "z_below"),
    Case("prediction_in_percent", "    above: 0.975", "    above: 0.975\n"
         "  futility: {predictive_probability_below: 5}",
         ("decision", "futility", "predictive_probability_below"), "5", "5 % is 0.05",
         "predictive_probability_below: 0.05", "predictive"),
    Case("futility_of_no_kind", "    above: 0.975", "    above: 0.975\n"
         "  futility: {predictive_probability_below: 0.1, z_below: 0}",
         ("decision", "futility"), "{predictive_probability_below: 0.1, z_below: 0}",
         "exactly one of", "futility: {predictive_probability_below: 0.05}", "futility"),
    Case("method_of_events", "method: beta_binomial", "method: logrank", ("analysis", "prior"),
         "{old: [1, 1], new: [1, 1]}", "logrank has no priors",
         "analysis: {method: beta_binomial, prior: {old: [1, 1], new: [1, 1]}}", "  prior:"),
    Case("one_patient", "n: 100", "n: 1", ("sample_size", "n"), "1", "from 2 to 20,000", "n: 94"),
]  # fmt: skip

# what is wrong in a design with a test
TESTS = [
    Case("no_boundary", "    boundary: {kind: pocock}\n", "", (*_SUCCESS, "boundary"), "null",
         "2 looks need a boundary", "boundary: {kind: lan_demets_obrien_fleming}", "  success:"),
    Case("parameter_of_none", "{kind: pocock}", "{kind: pocock, parameter: 1}",
         (*_SUCCESS, "boundary", "parameter"), "1", "pocock has none",
         "boundary: {kind: pocock}"),
    Case("no_parameter", "{kind: pocock}", "{kind: kim_demets}",
         (*_SUCCESS, "boundary", "parameter"), "null", "kim_demets needs its rho",
         "boundary: {kind: kim_demets, parameter: 3.0}", "boundary"),
    Case("rho_below_0", "{kind: pocock}", "{kind: kim_demets, parameter: -1}",
         (*_SUCCESS, "boundary", "parameter"), "-1", "rho of kim_demets lies from 0.1 to 40",
         "parameter: 3.0"),
    Case("delta_of_another_scale", "{kind: pocock}", "{kind: wang_tsiatis, parameter: 50}",
         (*_SUCCESS, "boundary", "parameter"), "50", "delta of wang_tsiatis lies from -10 to 10",
         "parameter: 0.25"),
    Case("gamma_beyond_the_exponential", "{kind: pocock}",
         "{kind: hwang_shih_de_cani, parameter: -900}", (*_SUCCESS, "boundary", "parameter"),
         "-900", "gamma of hwang_shih_de_cani lies from -40 to 40", "parameter: -4.0"),
    Case("errors_of_no_look", "{kind: pocock}", "{kind: user_spending}",
         (*_SUCCESS, "boundary", "spent"), "null", "user_spending, and no other kind, needs",
         "boundary: {kind: user_spending, spent: [0.005, 0.025]}", "boundary"),
    Case("errors_of_another_kind", "{kind: pocock}", "{kind: pocock, spent: [0.01, 0.025]}",
         (*_SUCCESS, "boundary", "spent"), "[0.01, 0.025]", "user_spending, and no other kind",
         "boundary: {kind: user_spending, spent: [0.005, 0.025]}"),
    Case("errors_that_fall", "{kind: pocock}", "{kind: user_spending, spent: [0.03, 0.025]}",
         (*_SUCCESS, "boundary", "spent"), "[0.03, 0.025]", "they never fall",
         "spent: [0.005, 0.025]"),
    Case("errors_that_are_not_alpha", "{kind: pocock}",
         "{kind: user_spending, spent: [0.005, 0.02]}", (*_SUCCESS, "boundary", "spent"),
         "[0.005, 0.02]", "the last",
         "boundary: {kind: user_spending, spent: [0.0125, 0.025]}"),
    Case("alpha_in_percent", "alpha: 0.025", "alpha: 2.5", (*_SUCCESS, "alpha"), "2.5",
         "2.5 % is 0.025", "alpha: 0.025"),
    Case("variance_of_fisher", "method: z_test", "method: fisher\n  variance: unpooled",
         ("analysis", "variance"), "'unpooled'", "it belongs to z_test", "variance: pooled",
         "variance"),
    Case("priors_of_a_test", "method: z_test", "method: fisher\n"
         "  prior: {old: [1, 1], new: [1, 1]}", ("analysis", "prior"),
         "{old: [1, 1], new: [1, 1]}", "fisher has no priors", None, "prior"),
    Case("level_beside_alpha", "alpha: 0.025", "alpha: 0.025\n    above: 0.9",
         (*_SUCCESS, "above"), "0.9", "it belongs to probability_of",
         'success: {test_of: "new > old", alpha: 0.025, boundary: {kind: pocock}}', "above"),
    Case("margin_of_a_test", "new > old", "new > old + 0.1", (*_SUCCESS, "test_of"),
         "'new > old + 0.1'", "write 'a > b' with two arms", 'test_of: "new > old"'),
    Case("prediction_of_a_test", "{kind: pocock}", "{kind: pocock}\n"
         "  futility: {predictive_probability_below: 0.1}", ("decision", "futility"),
         "{predictive_probability_below: 0.1}", "a test has no posterior",
         "futility: {z_below: 0.0}", "futility"),
    Case("two_z_for_one_look", "{kind: pocock}", "{kind: pocock}\n  futility: {z_below: [0, 1]}",
         ("decision", "futility", "z_below"), "[0, 1]", "one for each of the 1 looks but the last",
         "z_below: [0.0]", "z_below"),
]  # fmt: skip

EVENT_DESIGNS = [
    Case("no_accrual", "accrual:\n  rates: [{from_month: 0, patients_per_month: 5}, "
         "{from_month: 4, patients_per_month: 15}]\n  arrivals: even\n", "", ("accrual",), "null",
         "need to know when patients enter",
         "accrual: {rates: [{from_month: 0, patients_per_month: 15}]}", "title:"),
    Case("accrual_a_week", "patients_per_month: 5}", "patients_per_week: 5}",
         ("accrual", "rates", 0, "patients_per_week"), "5", "the unit is month, not week",
         "patients_per_month: 21.74"),
    Case("accrual_that_starts_late", "from_month: 0", "from_month: 2", ("accrual", "rates"),
         "[{from_month: 2, patients_per_month: 5}", "the first rate is from month 0",
         "rates: [{from_month: 0, patients_per_month: 15}]", "rates"),
    Case("accrual_of_nobody", "patients_per_month: 15", "patients_per_month: 0",
         ("accrual", "rates", 1, "patients_per_month"), "0", "above 0", "patients_per_month: 15"),
    Case("arrivals_of_no_kind", "arrivals: even", "arrivals: random", ("accrual", "arrivals"),
         "'random'", "choose 'poisson' or 'even'", "arrivals: poisson"),
    Case("looks_at_information", _ROW, "{information: 0.5}, {information: 1.0}",
         ("looks", 0, "information"), "0.5", "a look is timed by events, week",
         "looks: [{events: 50}, {events: 100}]", "looks"),
    Case("looks_at_patients", _ROW, "{n: 50}, {n: 200}", ("looks", 0, "n"), "50",
         "a look is timed by events, week", "looks: [{events: 50}, {events: 100}]", "looks"),
    Case("more_events_than_patients", _ROW, "{events: 60}, {events: 220}", ("looks", 1, "events"),
         "220", "there are 200 patients, and each has at most one",
         "looks: [{events: 50}, {events: 100}]", "looks"),
    Case("more_events_than_patients_at_once", _ROW, "{events: 220}", ("looks", 0, "events"),
         "220", "there are 200 patients", "events: 100", "looks"),
    Case("fewer_patients_than_events", "n: 200", "n: 100", ("looks", 1, "events"), "120",
         "there are 100 patients", "looks: [{events: 25}, {events: 50}]", "looks"),
    Case("events_twice", _ROW, "{events: 60}, {events: 60}", ("looks",),
         "[{events: 60}, {events: 60}]", "events must increase",
         "looks: [{events: 50}, {events: 100}]", "looks"),
    Case("weeks_without_shares", _ROW, "{week: 50}, {week: 100}", ("looks",),
         "[{week: 50}, {week: 100}]", "the planned share of events by each",
         "looks: [{week: 52, information: 0.5}, {week: 104, information: 1.0}]", "looks"),
    Case("shares_that_end_early", _ROW,
         "{week: 50, information: 0.5}, {week: 100, information: 0.9}", ("looks",),
         "[{week: 50, information: 0.5}, {week: 100, information: 0.9}]", "rising to 1",
         "looks: [{week: 52, information: 0.5}, {week: 104, information: 1.0}]", "looks"),
    Case("half_of_the_only_look", _ROW, "{week: 100, information: 0.5}",
         ("looks", 0, "information"), "0.5", "at the only look", "information: 1.0", "looks"),
    Case("latest_week_of_weeks", f"looks: [{_ROW}]", "latest_week: 60\nlooks: [{week: 100}]",
         ("latest_week",), "60", "it ends the wait for events", "looks: [{week: 100}]",
         "latest_week"),
    Case("latest_week_before_the_start", "looks:", "latest_week: -1\nlooks:", ("latest_week",),
         "-1", "a number above 0", "latest_week: 156", "latest_week"),
    Case("sign_of_responses", "new < old", "new > old", (*_SUCCESS, "test_of"), "'new > old'",
         "write 'a < b'", 'test_of: "new < old"'),
    Case("method_of_responses", "method: logrank", "method: z_test", ("analysis", "method"),
         "'z_test'", "choose logrank, cox", "method: logrank"),
    Case("priors_of_hazards", "method: logrank", "method: cox\n"
         "  prior: {old: [1, 1], new: [1, 1]}", ("analysis", "prior"),
         "{old: [1, 1], new: [1, 1]}", "cox has no priors", "analysis: {method: logrank}", "prior"),
    Case("posterior_of_hazards", "    test_of: new < old\n    alpha: 0.025\n"
         "    boundary: {kind: lan_demets_obrien_fleming}\n",
         "    probability_of: new < old\n    above: 0.975\n", _SUCCESS,
         "{probability_of: 'new < old', above: 0.975}", "with method logrank write test_of",
         'success: {test_of: "new < old", alpha: 0.025, '
         "boundary: {kind: lan_demets_obrien_fleming}}", "  success:"),
    Case("strata_of_events", "block_sizes: [2]", "block_sizes: [2]\n  strata: [severity]",
         ("allocation", "strata"), "['severity']", "no strata are simulated",
         "allocation: {ratio: {old: 1, new: 1}, method: permuted_blocks, block_sizes: [2]}",
         "strata"),
]  # fmt: skip

CHANCES = """\
outcomes:
  old: 0.40
  new: {mixture: [[0.8, 12, 18], [0.2, 1, 1]]}
strata: {mild: 0.5, severe: 0.5}
source: expert opinion
"""
HAZARDS = """\
hazards_per_day:
  old: [{from_day: 0, rate: 0.002}, {from_day: 180, rate: 0.001}]
  new: {ratio: 0.6, to: old}
dropout_per_day: {old: 0.0002, new: 0.0002}
"""
_NEW = ("outcomes", "new")
_MIXED = "{mixture: [[0.8, 12, 18], [0.2, 1, 1]]}"
_PIECES = "[{from_day: 0, rate: 0.002}, {from_day: 180, rate: 0.001}]"
_RATIO = "{ratio: 0.6, to: old}"
_ONE = "give one number from 0 to 1"

OF_CHANCES = [
    Case("key_nearly_right", "outcomes:", "outcome:", ("outcome",), "{old: 0.4",
         "the nearest known key is 'outcomes'", None),
    Case("unknown_key", "source:", "sourse:", ("sourse",), "'expert opinion'",
         "the nearest known key is 'source'", "source: expert opinion"),
    Case("percent", "old: 0.40", "old: 40", ("outcomes", "old"), "40", "40 % is 0.4", "old: 0.4"),
    Case("below_0", "old: 0.40", "old: -0.1", ("outcomes", "old"), "-0.1",
         "a number from 0 to 1", "old: 0.4"),
    Case("text", "old: 0.40", "old: many", ("outcomes", "old"), "'many'", _ONE, "0.4"),
    Case("nothing", "old: 0.40", "old:", ("outcomes", "old"), "null", _ONE, "0.4"),
    Case("yes", "old: 0.40", "old: true", ("outcomes", "old"), "true", _ONE, "0.4"),
    Case("bare_pair", _MIXED, "[12, 18]", _NEW, "[12, 18]", _ONE, "{beta: [12, 18]}"),
    Case("two_ways", _MIXED, "{value: 0.7, beta: [1, 1]}", _NEW, "{value: 0.7, beta: [1, 1]}",
         _ONE, "0.4"),
    Case("no_way", _MIXED, "{}", _NEW, "{}", _ONE, "0.4"),
    Case("beta_of_nothing", _MIXED, "{beta: [0, 18]}", (*_NEW, "beta"), "[0, 18]", "0.000001",
         "beta: [12, 18]"),
    Case("beta_too_large", _MIXED, "{beta: [12, 200000]}", (*_NEW, "beta"), "[12, 200000]",
         "up to 100,000", "beta: [12, 18]"),
    Case("weights_above_1", "[0.2, 1, 1]", "[0.3, 1, 1]", (*_NEW, "mixture"),
         "[[0.8, 12, 18], [0.3, 1, 1]]", "their sum 1",
         "mixture: [[0.8, 12, 18], [0.2, 1, 1]]"),
    Case("weight_below_0", "[[0.8, 12, 18], [0.2, 1, 1]]", "[[1.2, 12, 18], [-0.2, 1, 1]]",
         (*_NEW, "mixture"), "[[1.2, 12, 18], [-0.2, 1, 1]]", "must be above 0",
         "mixture: [[0.8, 12, 18], [0.2, 1, 1]]"),
    Case("mixture_of_nothing", "[[0.8, 12, 18], [0.2, 1, 1]]", "[]", (*_NEW, "mixture"), "[]",
         "their sum 1", "mixture: [[0.8, 12, 18], [0.2, 1, 1]]"),
    Case("key_of_a_prior", "{mixture:", "{mixtures:", (*_NEW, "mixtures"),
         "[[0.8, 12, 18], [0.2, 1, 1]]", "the nearest known key is 'mixture'",
         "mixture: [[0.8, 12, 18], [0.2, 1, 1]]"),
    Case("strata_in_percent", "{mild: 0.5, severe: 0.5}", "{mild: 50, severe: 50}", ("strata",),
         "{mild: 50, severe: 50}", "they must add up to 1",
         "strata: {mild: 0.2, moderate: 0.5, severe: 0.3}"),
    Case("empty_stratum", "{mild: 0.5, severe: 0.5}", "{mild: 0, severe: 1}", ("strata",),
         "{mild: 0, severe: 1}", "must be above 0",
         "strata: {mild: 0.2, moderate: 0.5, severe: 0.3}"),
    Case("dropout_of_responses", "strata: {mild: 0.5, severe: 0.5}",
         "dropout_per_day: {old: 0.1, new: 0.1}", ("dropout_per_day",), "{old: 0.1, new: 0.1}",
         "it belongs to hazards_per_day", "outcomes: {old: 0.4, new: 0.42}"),
    Case("chances_and_hazards", "strata: {mild: 0.5, severe: 0.5}",
         "hazards_per_day: {old: 0.1, new: 0.1}", (), "outcomes: {old: 0.4", "exactly one of",
         None, "outcomes:"),
]  # fmt: skip

_ONE_WAY = "give one rate a day, a list of {from_day, rate}, or a ratio"
OF_HAZARDS = [
    Case("key_nearly_right", "hazards_per_day:", "hazards:", ("hazards",), "{old:",
         "the nearest known key is 'hazards_per_day'", None),
    Case("hazards_a_month", "hazards_per_day:", "hazards_per_month:", ("hazards_per_month",),
         "{old:", "the unit is day, not month", None),
    Case("to_itself", "to: old", "to: new", ("hazards_per_day", "new", "to"), "'new'",
         "name an arm whose hazard is written out", "to: old"),
    Case("to_nobody", "to: old", "to: placebo", ("hazards_per_day", "new", "to"), "'placebo'",
         "name an arm whose hazard is written out", "to: old"),
    Case("to_each_other", _PIECES, "{ratio: 0.5, to: new}", ("hazards_per_day", "old"),
         "{ratio: 0.5, to: 'new'}", "none is, so write one", "0.0019"),
    Case("ratio_to_no_arm", _RATIO, "{ratio: 0.6}", ("hazards_per_day", "new"), "{ratio: 0.6}",
         _ONE_WAY, "0.0019"),
    Case("arm_without_a_ratio", _RATIO, "{to: old}", ("hazards_per_day", "new"), "{to: 'old'}",
         _ONE_WAY, "{ratio: 0.6, to: old}"),
    Case("ratio_below_0", "ratio: 0.6", "ratio: -0.6", ("hazards_per_day", "new", "ratio"), "-0.6",
         "at least 0", "ratio: 0.6"),
    Case("quoted_rate", _RATIO, "'0.001'", ("hazards_per_day", "new"), "'0.001'", _ONE_WAY,
         "0.0019"),
    Case("rate_below_0", _RATIO, "-0.001", ("hazards_per_day", "new"), "-0.001",
         "a number from 0 to 1000", "new: 0.0019"),
    Case("rate_of_a_piece_below_0", "rate: 0.001}", "rate: -0.001}",
         ("hazards_per_day", "old", 1, "rate"), "-0.001", "a number from 0 to 1000",
         "rate: 0.0019"),
    Case("pieces_by_week", "from_day: 180", "from_week: 26",
         ("hazards_per_day", "old", 1, "from_week"), "26", "the unit is day, not week (26 as 182)",
         "from_day: 182"),
    Case("pieces_that_start_late", "from_day: 0", "from_day: 10", ("hazards_per_day", "old"),
         "[{from_day: 10, rate: 0.002}", "the first piece is from day 0", _PIECES),
    Case("no_pieces", _PIECES, "[]", ("hazards_per_day", "old"), "[]",
         "the first piece is from day 0", _PIECES),
    Case("written_pieces_out_of_order", _PIECES,
         "{pieces: [{from_day: 0, rate: 0.1}, {from_day: 0, rate: 0.2}]}",
         ("hazards_per_day", "old", "pieces"), "[{from_day: 0, rate: 0.1}, {from_day: 0, rate: 0.2",
         "come later, in order", _PIECES),
    Case("strata_of_hazards", "dropout_per_day: {old: 0.0002, new: 0.0002}",
         "strata: {mild: 0.5, severe: 0.5}", ("strata",), "{mild: 0.5, severe: 0.5}",
         "it belongs to outcomes", "hazards_per_day: {old: 0.0019, new: 0.0019}"),
    Case("dropout_below_0", "{old: 0.0002,", "{old: -0.0002,", ("dropout_per_day", "old"),
         "-0.0002", "at least 0", "dropout_per_day: {control: 0.0002, treated: 0.0002}"),
]  # fmt: skip
