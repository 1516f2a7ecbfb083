package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"puenktlich/internal/testenv"
)

// BenchmarkServingAtOnce asks server and echo at the same time, both on the server's core:
// whatever slows the machine slows both, so that their processor time a request can be
// compared to a hundredth where rates a second apart cannot.
func BenchmarkServingAtOnce(b *testing.B) {
	all := slices.DeleteFunc(loads(b), func(m *measured) bool { return m.echo == nil || m.order.Connections != manyCallers })
	const seconds, rounds = 2, 15
	for range b.N {
		for _, m := range all {
			waitUntilShipped(b, m.log)
			m.load(b, seconds)
			for range rounds {
				m.measureBoth(b, seconds)
			}
		}
	}
	var table strings.Builder
	table.WriteString("| | callers of each | processor a request | times the echo's (quartiles) |\n|---|--:|--:|--:|\n")
	for _, m := range all {
		var ratios []float64
		for i, cpu := range m.cpu {
			ratios = append(ratios, cpu/m.echo.cpu[i])
		}
		slices.Sort(ratios)
		n := len(ratios)
		fmt.Fprintf(&table, "| %s | %d | %.0f µs | %.2f (%.2f to %.2f) |\n", m.name, m.order.Connections, median(m.cpu), median(ratios), ratios[n/4], ratios[n-1-n/4])
		b.ReportMetric(median(ratios), strings.ReplaceAll(m.name, " ", "-")+"/echo")
	}
	fmt.Println(table.String())
	testenv.Record(b, "processor time at once", table.String())
}

// measureBoth halves the callers between a server and its echo.
func (m *measured) measureBoth(b *testing.B, seconds float64) {
	b.Helper()
	var asking sync.WaitGroup
	for _, one := range []*measured{m, m.echo} {
		one.order.Connections = manyCallers / 2
		asking.Go(func() { one.measureOnce(b, seconds) })
	}
	asking.Wait()
}
