# One round of rpact for survival_against_rpact.py: simulates, then prints one line of numbers.
# A line on stdin is a seed; the CPU time is that of the simulation alone, after R has started.

suppressPackageStartupMessages(library(rpact))
iterations <- as.integer(commandArgs(trailingOnly = TRUE)[1])
design <- getDesignGroupSequential(kMax = 1, alpha = 0.025, sided = 1)

simulate <- function(seed, iterations) {
    getSimulationSurvival(
        design, plannedEvents = 120, hazardRatio = 0.6, lambda2 = log(2) / 12,
        directionUpper = FALSE, dropoutRate1 = 0.005, dropoutRate2 = 0.005, dropoutTime = 1,
        accrualTime = c(0, 4, 16), accrualIntensity = c(5, 15),
        maxNumberOfIterations = iterations, seed = seed
    )
}

invisible(simulate(1, 100)) # what is loaded at the first call is not counted
input <- file("stdin", "r")
cat("ready", as.character(packageVersion("rpact")), "\n")
while (length(line <- readLines(input, n = 1)) > 0) {
    invisible(gc())
    started <- proc.time()
    found <- simulate(as.integer(line), iterations)
    used <- proc.time() - started
    # the spread of the analysis times, for their Monte Carlo error, is taken outside the clock
    trials <- getData(found)
    events <- trials$overallEvents1 + trials$overallEvents2
    cat(
        used[["user.self"]] + used[["sys.self"]], found$overallReject[1],
        mean(events), sd(events), mean(trials$analysisTime), sd(trials$analysisTime), "\n"
    )
}
