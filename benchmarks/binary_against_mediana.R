# One round of Mediana for binary_against_mediana.py: simulates, then prints one line of numbers.
# A line on stdin is a seed; the CPU time is that of the simulation alone, after R has started.

suppressPackageStartupMessages(library(Mediana))
trials <- as.integer(commandArgs(trailingOnly = TRUE)[1])
patients <- DataModel() +
    OutcomeDist(outcome.dist = "BinomDist") +
    SampleSize(50) +
    Sample(id = "control", outcome.par = parameters(parameters(prop = 0.3))) +
    Sample(id = "treated", outcome.par = parameters(parameters(prop = 0.55)))
# one-sided, pooled variance, without continuity correction
analysis <- AnalysisModel() +
    Test(id = "test", samples = samples("control", "treated"), method = "PropTest")
evaluation <- EvaluationModel() +
    Criterion(
        id = "power", method = "MarginalPower", tests = tests("test"), labels = "power",
        par = parameters(alpha = 0.025)
    )

simulate <- function(seed, trials) {
    CSE(patients, analysis, evaluation, SimParameters(n.sims = trials, proc.load = 1, seed = seed))
}

# the processes it starts for its work are waited for, so that their time is counted
used_so_far <- function() {
    sum(proc.time()[c("user.self", "sys.self", "user.child", "sys.child")])
}

invisible(capture.output(simulate(1, 100))) # what is loaded at the first call is not counted
input <- file("stdin", "r")
cat("ready", as.character(packageVersion("Mediana")), "\n")
while (length(line <- readLines(input, n = 1)) > 0) {
    invisible(gc())
    started <- used_so_far()
    invisible(capture.output(found <- simulate(as.integer(line), trials)))
    cat(used_so_far() - started, found$simulation.results$result, "\n")
}
