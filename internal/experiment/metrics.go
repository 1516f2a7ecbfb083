package experiment

import (
	"slices"
	"strconv"
	"strings"
)

// headlineMetrics bounds the columns of a list that nobody chose.
const headlineMetrics = 4

// preferred are the metrics that say most about a run, the most important first:
// on days it has not seen, then out of fold.
func preferred() []string {
	return []string{"test_skill", "test_skill_h60", "test_brier", "test_brier_h60", "oof_log_loss", "oof_brier", "valid_log_loss"}
}

// headline chooses a few of the known metrics: the one sorted by, the preferred
// ones, then others in order.
func headline(known []string, sort string) []string {
	var chosen []string
	add := func(names []string) {
		for _, name := range names {
			if len(chosen) < headlineMetrics && name != "" && slices.Contains(known, name) && !slices.Contains(chosen, name) {
				chosen = append(chosen, name)
			}
		}
	}
	add([]string{sort})
	add(preferred())
	add(slices.DeleteFunc(slices.Clone(known), func(name string) bool { return Part(name) || Neutral(name) }))
	return chosen
}

// Part says that a metric is of a part of a run, a fold for instance, which its
// name says after a slash.
func Part(metric string) bool { return strings.Contains(metric, "/") }

// Measure takes a metric's name apart: of what days, which measure, how many
// minutes before; 0 where it is of all horizons together.
func Measure(metric string) (days, measure string, minutes int) {
	measure, _, _ = strings.Cut(metric, "/")
	for _, prefix := range []string{"test_", "oof_", "valid_", "train_"} {
		if rest, found := strings.CutPrefix(measure, prefix); found {
			days, measure = strings.TrimSuffix(prefix, "_"), rest
			break
		}
	}
	if at := strings.LastIndex(measure, "_h"); at >= 0 {
		if n, err := strconv.Atoi(measure[at+2:]); err == nil {
			measure, minutes = measure[:at], n
		}
	}
	return days, measure, minutes
}

// Important says that a metric is among those a first look is for: the common
// measures of all horizons together and of an hour before.
func Important(metric string) bool {
	_, measure, minutes := Measure(metric)
	return !Part(metric) && (minutes == 0 || minutes == 60) && slices.Contains([]string{"skill", "brier", "log_loss", "ece", "auc"}, measure)
}

// HigherIsBetter says so of skill, AUC and accuracy. Of all other metrics that
// judge, the lower value is the better.
func HigherIsBetter(metric string) bool {
	for _, part := range strings.Split(metric, "_") {
		switch part {
		case "skill", "auc", "accuracy":
			return true
		}
	}
	return false
}

// Neutral says that a metric describes a run without judging it, as a loss on
// the days it was trained on does.
func Neutral(metric string) bool {
	days, measure, _ := Measure(metric)
	return days == "train" || slices.Contains([]string{"rounds", "folds", "late_rate", "sharpness"}, measure) || strings.HasSuffix(measure, "events")
}
