# Makes survival.json: simulated trials of rpact, for tests/statistical/test_event_trials_rpact.py.
#
#     Rscript tests/golden/rpact/make_survival_goldens.R > tests/golden/rpact/survival.json
#
# Every mean is written with its standard deviation and the number of trials behind it, so that the
# test can form the error of a difference. rpact stops a trial at its decision; a look's means are
# over the trials that reached it. rpact allocates in turn (treated first) and lets the i-th patient
# arrive when the cumulated accrual is i; its dropout rate is a share by the dropout time.

suppressPackageStartupMessages(library(rpact))
ITERATIONS <- 200000L
control <- log(2) / 12

fixed <- getDesignGroupSequential(kMax = 1, alpha = 0.025, sided = 1)
obrien <- getDesignGroupSequential(kMax = 2, alpha = 0.025, sided = 1, typeOfDesign = "OF")
futility <- getDesignGroupSequential(
    kMax = 3, alpha = 0.025, sided = 1, typeOfDesign = "OF", futilityBounds = c(0, 0.5)
)

settings <- list(
    one_look = list(design = fixed, plannedEvents = 120, hazardRatio = 0.6, lambda2 = control,
        dropout = c(0.005, 0.005), ratio = c(1, 1)),
    two_looks = list(design = obrien, plannedEvents = c(60, 120), hazardRatio = 0.6,
        lambda2 = control, dropout = c(0.005, 0.005), ratio = c(1, 1)),
    no_difference = list(design = obrien, plannedEvents = c(60, 120), hazardRatio = 1,
        lambda2 = control, dropout = c(0.005, 0.005), ratio = c(1, 1)),
    two_to_one_with_futility = list(design = futility, plannedEvents = c(40, 80, 120),
        hazardRatio = 0.7, lambda2 = control, dropout = c(0.02, 0.01), ratio = c(2, 1)),
    delayed_effect = list(design = obrien, plannedEvents = c(60, 120), starts = c(0, 6),
        lambda1 = c(control, 0.5 * control), lambda2 = c(control, control),
        dropout = c(0.005, 0.005), ratio = c(1, 1)),
    falling_hazard = list(design = obrien, plannedEvents = c(50, 100), starts = c(0, 3, 12),
        lambda1 = c(0.06, 0.03, 0.01), lambda2 = c(0.09, 0.05, 0.02),
        dropout = c(0.01, 0.01), ratio = c(1, 1))
)

simulate <- function(s, seed) {
    common <- list(
        s$design, plannedEvents = s$plannedEvents, directionUpper = FALSE,
        allocation1 = s$ratio[1], allocation2 = s$ratio[2],
        dropoutRate1 = s$dropout[1], dropoutRate2 = s$dropout[2], dropoutTime = 1,
        accrualTime = c(0, 4, 16), accrualIntensity = c(5, 15),
        maxNumberOfIterations = ITERATIONS, seed = seed
    )
    truth <- if (is.null(s$starts)) {
        list(lambda2 = s$lambda2, hazardRatio = s$hazardRatio)
    } else {
        list(piecewiseSurvivalTime = s$starts, lambda1 = s$lambda1, lambda2 = s$lambda2)
    }
    do.call(getSimulationSurvival, c(common, truth))
}

number <- function(x) paste(format(x, digits = 15, trim = TRUE), collapse = ", ")
array <- function(x) paste0("[", number(x), "]")
# a mean of each look with its standard deviation
moments <- function(x, look) {
    paste0("{\"mean\": ", array(tapply(x, look, mean)), ", \"sd\": ", array(tapply(x, look, sd)), "}")
}

entries <- character()
for (name in names(settings)) {
    s <- settings[[name]]
    seed <- 20261124L + length(entries)
    found <- getData(simulate(s, seed))
    look <- found$stageNumber
    last <- found[found$trialStop, ]
    starts <- if (is.null(s$starts)) 0 else s$starts
    rates1 <- if (is.null(s$starts)) s$lambda2 * s$hazardRatio else s$lambda1
    z_futility <- if (length(s$plannedEvents) > 2) s$design$futilityBounds else numeric(0)
    looks <- seq_along(s$plannedEvents)
    at <- function(flag) {
        array(vapply(looks, function(k) sum(found[[flag]][look == k]) / ITERATIONS, 0))
    }
    overall <- function(x) {
        paste0("{\"mean\": ", number(mean(x)), ", \"sd\": ", number(sd(x)), "}")
    }
    entries <- c(entries, paste0(
        " \"", name, "\": {\n",
        "  \"seed\": ", seed, ",\n",
        "  \"events_wanted\": ", array(s$plannedEvents), ",\n",
        "  \"efficacy\": ", array(s$design$criticalValues), ",\n",
        "  \"futility\": ", array(z_futility), ",\n",
        "  \"starts\": ", array(starts), ",\n",
        "  \"treated_rates\": ", array(rates1), ",\n",
        "  \"control_rates\": ", array(s$lambda2), ",\n",
        "  \"dropout_share_by_1\": ", array(s$dropout), ",\n",
        "  \"ratio\": ", array(s$ratio), ",\n",
        "  \"reached\": ", array(as.vector(table(look))), ",\n",
        "  \"success_at\": ", at("rejectPerStage"), ",\n",
        "  \"futility_at\": ", at("futilityPerStage"), ",\n",
        "  \"time\": ", moments(found$analysisTime, look), ",\n",
        "  \"z\": ", moments(found$logRankStatistic, look), ",\n",
        "  \"events_treated\": ", moments(found$overallEvents1, look), ",\n",
        "  \"enrolled\": ", moments(found$numberOfSubjects, look), ",\n",
        "  \"ended\": ", nrow(last), ",\n",
        "  \"duration\": ", overall(last$analysisTime), ",\n",
        "  \"events\": ", overall(last$overallEvents1 + last$overallEvents2), "\n }"
    ))
}
cat("{\n \"rpact\": \"", as.character(packageVersion("rpact")), "\",\n",
    " \"iterations\": ", ITERATIONS, ",\n \"n\": 200,\n",
    " \"accrual_starts\": [0, 4],\n \"accrual_rates\": [5, 15],\n",
    paste(entries, collapse = ",\n"), "\n}\n", sep = "")
