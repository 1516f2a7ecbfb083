package forest_test

import (
	"testing"

	"puenktlich/internal/learn/xgb"
)

// The rows change: the same row again would be up to 3.5 times faster than what
// a server sees.
const benchRows = 4096

func benchmarkModels(b *testing.B, run func(b *testing.B, model []byte)) {
	b.Run("binary", func(b *testing.B) { run(b, binaryModel(b)) })
	b.Run("buckets", func(b *testing.B) { run(b, fullBuckets.get(b)) })
}

func BenchmarkMargin(b *testing.B) {
	benchmarkModels(b, func(b *testing.B, model []byte) {
		f, rows := parse(b, model), randomRows(benchRows, 31)
		out := make([]float32, f.Classes())
		i := 0
		for b.Loop() {
			f.Margin(out, rows[i*columns:(i+1)*columns])
			i = (i + 1) % benchRows
		}
	})
}

func BenchmarkMargins(b *testing.B) {
	benchmarkModels(b, func(b *testing.B, model []byte) {
		f, rows := parse(b, model), randomRows(benchRows, 31)
		out := make([]float32, benchRows*f.Classes())
		for b.Loop() {
			f.Margins(out, rows)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
	})
}

func BenchmarkCell(b *testing.B) {
	benchmarkModels(b, func(b *testing.B, model []byte) {
		f, rows := parse(b, model), randomRows(benchRows, 31)
		var room []uint32
		i := 0
		for b.Loop() {
			room = f.Cell(room[:0], rows[i*columns:(i+1)*columns])
			i = (i + 1) % benchRows
		}
	})
}

func BenchmarkContributions(b *testing.B) {
	benchmarkModels(b, func(b *testing.B, model []byte) {
		f, rows := parse(b, model), randomRows(benchRows, 31)
		out := make([]float64, f.Classes()*(columns+1))
		f.Contributions(out, rows[:columns]) // the first makes the tables
		i := 0
		for b.Loop() {
			f.Contributions(out, rows[i*columns:(i+1)*columns])
			i = (i + 1) % benchRows
		}
	})
}

// BenchmarkFirstContributions is a model read and explained once: reading,
// layouts and tables.
func BenchmarkFirstContributions(b *testing.B) {
	benchmarkModels(b, func(b *testing.B, model []byte) {
		rows := randomRows(1, 31)
		for b.Loop() {
			f := parse(b, model)
			f.Contributions(make([]float64, f.Classes()*(columns+1)), rows)
		}
	})
}

func BenchmarkContributionsBatch(b *testing.B) {
	benchmarkModels(b, func(b *testing.B, model []byte) {
		f, rows := parse(b, model), randomRows(benchRows, 31)
		out := make([]float64, benchRows*f.Classes()*(columns+1))
		f.ContributionsBatch(out[:f.Classes()*(columns+1)], rows[:columns]) // the first makes the tables
		for b.Loop() {
			f.ContributionsBatch(out, rows)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
	})
}

// BenchmarkXGBoostContributions is the library on some of the same rows, loading
// of the model included.
func BenchmarkXGBoostContributions(b *testing.B) {
	benchmarkModels(b, func(b *testing.B, model []byte) {
		const n = benchRows / 8
		library, rows := openLibrary(b), randomRows(n, 31)
		for b.Loop() {
			if _, err := library.Contributions(model, rows, columns); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
	})
}

func BenchmarkParse(b *testing.B) {
	benchmarkModels(b, func(b *testing.B, model []byte) {
		b.SetBytes(int64(len(model)))
		for b.Loop() {
			parse(b, model)
		}
	})
}

// BenchmarkXGBoostBatch is the library on the same rows, loading of the model
// included.
func BenchmarkXGBoostBatch(b *testing.B) {
	benchmarkModels(b, func(b *testing.B, model []byte) {
		library, rows := openLibrary(b), randomRows(benchRows, 31)
		for b.Loop() {
			if _, err := library.Predict(model, rows, columns, xgb.Margin); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
	})
}
