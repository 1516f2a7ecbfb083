package rail

import "time"

// LateMinutes is the delay from which an event is not on time: Deutsche Bahn
// counts up to 5:59 as punctual, and the wire knows whole minutes only.
const LateMinutes = 6

// DelayMinutes is actual - planned in whole minutes, negative when early. Both
// times on the wire are whole minutes.
func DelayMinutes(planned, actual time.Time) int {
	return int(actual.Sub(planned) / time.Minute)
}

// OnTime says whether a delay counts as punctual.
func OnTime(delayMinutes int) bool { return delayMinutes < LateMinutes }

// Horizons are the grid, in minutes before the planned event, at which the
// panel forecasts and every score is reported.
func Horizons() []int { return []int{120, 60, 30, 15, 5} }

// SettleAfter is how long after its last observed time an event's truth is
// taken as final: 95 % of corrections come within 72 minutes.
const SettleAfter = 90 * time.Minute

// BucketEdges are the upper edges, in whole minutes and inclusive, of the
// ordinal delay buckets; the last bucket is open. The edge at 5 is "on time".
func BucketEdges() []int { return []int{-1, 0, 2, 5, 9, 14, 29} }

// OnTimeEdge is the index in BucketEdges of the last punctual minute.
const OnTimeEdge = 3

// Bucket is the index of the bucket that holds the delay, in
// [0, len(BucketEdges())].
func Bucket(delayMinutes int) int {
	edges := BucketEdges()
	for i, edge := range edges {
		if delayMinutes <= edge {
			return i
		}
	}
	return len(edges)
}
