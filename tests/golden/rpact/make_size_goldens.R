# Sample sizes and power by rpact, for tests/golden/test_rpact_sizes.py.
#
#   Rscript tests/golden/rpact/make_size_goldens.R > tests/golden/rpact/sizes.json
#
# Run by hand when settings are added; tests read the JSON only. `ask` is in the words of
# simtrial, `want` is what rpact answers. Arm 1 of rpact is the treated arm.
suppressMessages(library(rpact))

json <- function(x) {
  if (is.null(x)) return("null")
  if (is.list(x)) {
    if (is.null(names(x))) return(paste0("[", paste(vapply(x, json, ""), collapse = ", "), "]"))
    return(paste0("{", paste0('"', names(x), '": ', vapply(x, json, ""), collapse = ", "), "}"))
  }
  one <- function(v) {
    if (is.character(v)) return(paste0('"', v, '"'))
    if (is.logical(v)) return(if (v) "true" else "false")
    format(v, digits = 15)
  }
  values <- vapply(as.vector(x), one, "")
  if (length(values) == 1 && !inherits(x, "AsIs")) return(values)
  paste0("[", paste(values, collapse = ", "), "]")
}
series <- function(x) I(as.vector(x))

cases <- list()
add <- function(kind, ask, design, want) {
  id <- sprintf("%s-%02d", kind, sum(vapply(cases, function(a) a$kind == kind, TRUE)) + 1)
  cases[[length(cases) + 1]] <<- list(id = id, kind = kind, ask = ask, design = design, want = want)
}

# --- designs: how rpact is asked, and how simtrial is
design_of <- function(spec) {
  base <- list(alpha = spec$alpha, sided = spec$sided, tolerance = 1e-10)
  if (!is.null(spec$beta)) base$beta <- spec$beta
  if (is.null(spec$information)) return(do.call(getDesignGroupSequential, c(base, kMax = 1)))
  base$informationRates <- as.vector(spec$information)
  if (!is.null(spec$futility)) {
    base$futilityBounds <- as.vector(spec$futility)
    base$bindingFutility <- spec$binding
  }
  type <- switch(spec$bounds,
    wang_tsiatis = list(typeOfDesign = "WT", deltaWT = spec$parameter),
    obrien_fleming = list(typeOfDesign = "OF"),
    pocock = list(typeOfDesign = "P"),
    spending_obrien_fleming = list(typeOfDesign = "asOF"),
    spending_pocock = list(typeOfDesign = "asP"),
    spending_hwang_shih_de_cani = list(typeOfDesign = "asHSD", gammaA = spec$parameter)
  )
  do.call(getDesignGroupSequential, c(base, type))
}
fixed <- function(alpha, sided) list(alpha = alpha, sided = sided)
looks <- function(bounds, information, alpha = 0.025, sided = 1, parameter = NULL,
                  futility = NULL, binding = FALSE) {
  list(alpha = alpha, sided = sided, bounds = bounds, parameter = parameter,
       information = I(information), futility = if (is.null(futility)) NULL else I(futility),
       binding = binding)
}
WT3 <- looks("wang_tsiatis", c(0.2, 0.5, 1), parameter = 0.3)
OF2 <- looks("obrien_fleming", c(0.5, 1))
ASOF <- looks("spending_obrien_fleming", c(0.3, 0.7, 1), futility = c(0, 0.5))
ASOFB <- looks("spending_obrien_fleming", c(0.4, 0.8, 1), futility = c(-0.2, 0.6), binding = TRUE)
POC2 <- looks("pocock", c(0.25, 0.5, 0.75, 1), alpha = 0.05, sided = 2)
HSD5 <- looks("spending_hwang_shih_de_cani", c(0.2, 0.4, 0.6, 0.8, 1), parameter = -4)
ASP <- looks("spending_pocock", c(0.5, 1), alpha = 0.05, sided = 2)

bounds_of <- function(d) list(efficacy = series(d$criticalValues))
sequential_size <- function(x, d) {
  c(list(n_fixed = x$nFixed, n_max = x$maxNumberOfSubjects,
         n_at_looks = series(x$numberOfSubjects),
         reject_at_looks = series(x$rejectPerStage),
         expected_n_null = x$expectedNumberOfSubjectsH0,
         expected_n_halfway = x$expectedNumberOfSubjectsH01,
         expected_n_effect = x$expectedNumberOfSubjectsH1), bounds_of(d))
}
sequential_power <- function(x, d) {
  c(list(power = x$overallReject, reject_at_looks = series(x$rejectPerStage),
         expected_n_effect = x$expectedNumberOfSubjects), bounds_of(d))
}

# one-sided tests only have a side
towards <- function(spec, upper) if (spec$sided == 1) list(directionUpper = upper) else list()

# --- means
means <- function(spec, effect, sd, power = NULL, n = NULL, ratio = 1, null = 0, known = FALSE,
                  groups = 2) {
  spec$beta <- if (is.null(power)) NULL else 1 - power
  d <- design_of(spec)
  shared <- list(design = d, groups = groups, normalApproximation = known, thetaH0 = null,
                 alternative = effect, stDev = sd)
  if (groups == 2) shared$allocationRatioPlanned <- ratio
  ask <- list(groups = groups, effect = effect, sd = sd, allocation_ratio = ratio, null = null,
              known_sd = known, power = power, n = n)
  if (is.null(n)) {
    x <- do.call(getSampleSizeMeans, shared)
    want <- if (is.null(spec$information)) list(n_fixed = x$nFixed) else sequential_size(x, d)
    return(add("size_means", ask, spec, want))
  }
  x <- do.call(getPowerMeans, c(shared, maxNumberOfSubjects = n, towards(spec, effect >= null)))
  want <- if (is.null(spec$information)) list(power = x$overallReject) else sequential_power(x, d)
  add("power_means", ask, spec, want)
}
means(fixed(0.025, 1), 0.5, 1, power = 0.8)
means(fixed(0.025, 1), 0.5, 1, power = 0.9, ratio = 2)
means(fixed(0.05, 2), 0.4, 1.2, power = 0.9, ratio = 0.5)
means(fixed(0.025, 1), 0.1, 1, power = 0.8, null = -0.3)
means(fixed(0.025, 1), 1.5, 1, power = 0.9)
means(fixed(0.025, 1), 0.5, 1, power = 0.8, known = TRUE)
means(fixed(0.05, 2), 3, 7, power = 0.9, known = TRUE, ratio = 3)
means(fixed(0.025, 1), 0.4, 1, power = 0.8, groups = 1)
means(fixed(0.05, 1), 1.2, 2, power = 0.9, null = 0.2, groups = 1, known = TRUE)
means(fixed(0.025, 1), 0.5, 1, n = 80)
means(fixed(0.05, 2), 0.05, 1, n = 60, ratio = 2)
means(fixed(0.025, 1), -0.6, 1.5, n = 90, null = 0.2)
means(fixed(0.025, 1), 0.6, 1, n = 20, groups = 1)
means(WT3, 0.5, 1, power = 0.9)
means(OF2, 0.5, 1, power = 0.8, ratio = 2, known = TRUE)
means(POC2, 0.6, 1, power = 0.9, known = TRUE)
means(ASOF, 0.4, 1, power = 0.8, known = TRUE)
means(ASOFB, 0.4, 1, power = 0.9)
means(HSD5, 0.35, 1, power = 0.8, groups = 1)
means(WT3, 0.5, 1, n = 60)
means(ASOF, 0.4, 1, n = 150, ratio = 2, known = TRUE)

# --- rates
rates <- function(spec, p_treated, p_control, power = NULL, n = NULL, ratio = 1,
                  compare = "difference", null = if (compare == "ratio") 1 else 0, groups = 2) {
  spec$beta <- if (is.null(power)) NULL else 1 - power
  d <- design_of(spec)
  shared <- list(design = d, groups = groups, pi1 = p_treated)
  if (groups == 2) {
    shared <- c(shared, list(pi2 = p_control, riskRatio = compare == "ratio", thetaH0 = null,
                             allocationRatioPlanned = ratio))
  } else {
    shared <- c(shared, list(thetaH0 = null))
  }
  ask <- list(groups = groups, p_treated = p_treated, p_control = p_control,
              allocation_ratio = ratio, compare = compare, null = null, power = power, n = n)
  upper <- if (groups == 1) p_treated > null else
    if (compare == "ratio") p_treated > null * p_control else p_treated - p_control > null
  if (is.null(n)) {
    x <- do.call(getSampleSizeRates, shared)
    want <- if (is.null(spec$information)) list(n_fixed = x$nFixed) else sequential_size(x, d)
    return(add("size_rates", ask, spec, want))
  }
  x <- do.call(getPowerRates, c(shared, maxNumberOfSubjects = n, towards(spec, upper)))
  want <- if (is.null(spec$information)) list(power = x$overallReject) else sequential_power(x, d)
  add("power_rates", ask, spec, want)
}
rates(fixed(0.025, 1), 0.5, 0.3, power = 0.8)
rates(fixed(0.05, 2), 0.78, 0.44, power = 0.9, ratio = 2)
rates(fixed(0.025, 1), 0.5, 0.5, power = 0.9, null = -0.15)
rates(fixed(0.025, 1), 0.1, 0.35, power = 0.8, null = 0.05, ratio = 0.5)
rates(fixed(0.025, 1), 0.5, 0.3, power = 0.8, compare = "ratio")
rates(fixed(0.025, 1), 0.4, 0.4, power = 0.9, compare = "ratio", null = 0.7, ratio = 3)
rates(fixed(0.025, 1), 0.2, 0.35, power = 0.8, compare = "ratio", null = 1.2)
rates(fixed(0.025, 1), 0.4, NULL, power = 0.8, null = 0.2, groups = 1)
rates(fixed(0.05, 1), 0.05, NULL, power = 0.9, null = 0.2, groups = 1)
rates(fixed(0.025, 1), 0.5, 0.3, n = 120)
rates(fixed(0.025, 1), 0.5, 0.3, n = 120, ratio = 3)
rates(fixed(0.025, 1), 0.35, 0.4, n = 300, null = -0.2)
rates(fixed(0.025, 1), 0.6, 0.4, n = 100, compare = "ratio", null = 0.9, ratio = 2)
rates(fixed(0.025, 1), 0.4, NULL, n = 50, null = 0.2, groups = 1)
rates(WT3, 0.5, 0.3, power = 0.9)
rates(WT3, 0.5, 0.3, power = 0.9, ratio = 3)
rates(ASOF, 0.6, 0.35, power = 0.8)
rates(POC2, 0.6, 0.35, power = 0.9, ratio = 2)
rates(ASP, 0.45, 0.25, power = 0.8)
rates(HSD5, 0.4, NULL, power = 0.9, null = 0.2, groups = 1)
rates(ASOFB, 0.4, 0.2, power = 0.9, compare = "ratio", null = 0.9)
rates(WT3, 0.5, 0.3, n = 150, ratio = 3)
rates(ASOF, 0.2, 0.4, n = 160, null = 0.05)
rates(OF2, 0.6, 0.4, n = 200, compare = "ratio", null = 0.9)

# --- time to event
survival <- function(spec, hr, lambda2, starts = 0, power = NULL, ratio = 1, formula = "schoenfeld",
                     null = 1, accrual = 12, weights = 1, follow_up = NULL, n = NULL,
                     events = NULL, dropout = c(0, 0), by = 12, absolute = FALSE) {
  spec$beta <- if (is.null(power)) NULL else 1 - power
  d <- design_of(spec)
  shared <- list(
    design = d, hazardRatio = hr, lambda2 = lambda2, thetaH0 = null,
    typeOfComputation = if (formula == "freedman") "Freedman" else "Schoenfeld",
    allocationRatioPlanned = ratio, dropoutRate1 = dropout[1], dropoutRate2 = dropout[2],
    dropoutTime = by, accrualTime = c(0, accrual), accrualIntensity = weights,
    accrualIntensityType = if (absolute) "absolute" else "relative"
  )
  if (length(starts) > 1) shared$piecewiseSurvivalTime <- starts
  if (!is.null(n)) shared$maxNumberOfSubjects <- n
  if (!is.null(follow_up)) shared$followUpTime <- follow_up
  ask <- list(hazard_ratio = hr, hazards = I(lambda2), starts = I(starts), power = power,
              allocation_ratio = ratio, formula = formula, null_hazard_ratio = null,
              accrual_edges = I(accrual), accrual_weights = I(weights), follow_up = follow_up,
              n = n, events = events, dropout_treated = dropout[1], dropout_control = dropout[2],
              dropout_by = by)
  if (is.null(events)) {
    x <- do.call(getSampleSizeSurvival, shared)
    want <- list(events_fixed = x$eventsFixed, events_max = max(x$eventsPerStage),
                 n = x$maxNumberOfSubjects, follow_up = x$followUpTime,
                 accrual_end = x$totalAccrualTime, times = series(x$analysisTime))
    if (!is.null(spec$information)) {
      want <- c(want, list(
        n_at_looks = series(x$numberOfSubjects), reject_at_looks = series(x$rejectPerStage),
        expected_events_null = x$expectedEventsH0, expected_events_halfway = x$expectedEventsH01,
        expected_events_effect = x$expectedEventsH1,
        expected_n_effect = x$expectedNumberOfSubjectsH1,
        expected_duration_effect = x$studyDuration), bounds_of(d))
    }
    kind <- if (is.null(n) && !absolute) "size_survival" else
      if (absolute) "accrual_survival" else "follow_up_survival"
    return(add(kind, ask, spec, want))
  }
  shared$followUpTime <- NULL
  x <- do.call(getPowerSurvival, c(shared, maxNumberOfEvents = events, towards(spec, hr > null)))
  want <- list(power = x$overallReject, times = series(x$analysisTime))
  if (!is.null(spec$information)) {
    want <- c(want, list(n_at_looks = series(x$numberOfSubjects),
                         reject_at_looks = series(x$rejectPerStage),
                         expected_events_effect = x$expectedNumberOfEvents,
                         expected_n_effect = x$expectedNumberOfSubjects,
                         expected_duration_effect = x$studyDuration), bounds_of(d))
  }
  add("power_survival", ask, spec, want)
}
survival(fixed(0.025, 1), 0.6, 0.05, power = 0.8, follow_up = 6)
survival(fixed(0.05, 2), 0.7, 0.03, power = 0.9, follow_up = 12, ratio = 2, accrual = 18)
survival(fixed(0.025, 1), 0.6, 0.05, power = 0.8, follow_up = 6, formula = "freedman", ratio = 2)
survival(fixed(0.025, 1), 1.8, 0.02, power = 0.9, follow_up = 6, formula = "freedman")
survival(fixed(0.025, 1), 0.9, 0.05, power = 0.8, follow_up = 6, null = 1.3, ratio = 2)
survival(fixed(0.025, 1), 0.6, c(0.01, 0.02, 0.04), starts = c(0, 5, 10), power = 0.9,
         follow_up = 6, dropout = c(0.1, 0.2))
survival(fixed(0.025, 1), 0.65, 0.04, power = 0.8, follow_up = 0, accrual = c(3, 9, 20),
         weights = c(1, 3, 2), dropout = c(0.05, 0.05), by = 6)
survival(fixed(0.025, 1), 0.6, c(0.03, 0.06), starts = c(0, 6), power = 0.8, n = 400,
         accrual = c(4, 10), weights = c(0.2, 0.5), dropout = c(0.05, 0.1))
survival(fixed(0.025, 1), 0.6, 0.05, power = 0.8, follow_up = 6, accrual = 4,
         weights = c(10, 20), absolute = TRUE, dropout = c(0.05, 0.1))
survival(fixed(0.025, 1), 0.7, 0.05, n = 250, events = 150, accrual = c(5, 15), weights = c(1, 2))
survival(fixed(0.025, 1), 0.7, c(0.05, 0.02), starts = c(0, 3), n = 300, events = 100, ratio = 2,
         formula = "freedman", dropout = c(0.1, 0.1))
survival(OF2, 1.5, c(0.01, 0.02, 0.04), starts = c(0, 5, 10), power = 0.8, follow_up = 6)
survival(WT3, 0.6, 0.05, power = 0.9, follow_up = 6, ratio = 2, formula = "freedman")
survival(POC2, 0.7, 0.03, power = 0.8, follow_up = 12, accrual = c(6, 18), weights = c(1, 4),
         dropout = c(0.05, 0.1))
survival(ASOF, 0.6, c(0.03, 0.06), starts = c(0, 6), power = 0.8, ratio = 2, follow_up = 9,
         accrual = c(4, 10), weights = c(0.2, 0.5), dropout = c(0.05, 0.1))
survival(HSD5, 0.75, 0.08, power = 0.9, follow_up = 3, accrual = 24)
survival(ASOFB, 0.95, 0.05, power = 0.8, follow_up = 8, null = 1.3)
survival(ASOF, 0.6, c(0.03, 0.06), starts = c(0, 6), power = 0.8, n = 400, ratio = 2,
         accrual = c(4, 10), weights = c(0.2, 0.5), dropout = c(0.05, 0.1))
survival(ASOF, 0.6, 0.05, n = 280, events = 150, accrual = c(4, 16), weights = c(10, 20),
         dropout = c(0.05, 0.1))
survival(WT3, 1.6, c(0.02, 0.04), starts = c(0, 6), n = 300, events = 120, ratio = 2,
         accrual = 12, dropout = c(0.1, 0.05))

cat('{"made_by": "make_size_goldens.R", "rpact": "', as.character(packageVersion("rpact")),
    '",\n"cases": [\n', sep = "")
cat(paste(vapply(cases, json, ""), collapse = ",\n"))
cat("\n]}\n")
