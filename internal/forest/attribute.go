package forest

// windowValues is how many values of a table an index of eight bits reaches.
const windowValues = window * groupWidth

// add adds the Shapley values of one row.
func (t *explanations) add(out []float64, stride int, x *[MaxFeatures]float32) {
	for i := range t.groups {
		g := &t.groups[i]
		index := 0
		for bit := range g.bits {
			o := &g.bits[bit]
			if value := x[o.feature]; value >= o.low && value < o.high {
				index |= 1 << bit
			}
		}
		phi := out[int(g.class)*stride:][:stride]
		values := t.tables[g.first+index*groupWidth:][:groupWidth]
		for k, feature := range g.features {
			phi[feature] += float64(values[k&(groupWidth-1)])
		}
	}
}

// ContributionsBatch fills out (rows x Classes x (Features + 1)) with what
// Contributions gives for each of rows (row-major, rows x Features). NaN is
// missing. It keeps neither slice; it panics if a length is wrong.
func (f *Forest) ContributionsBatch(out []float64, rows []float32) {
	stride := f.classes * (f.features + 1)
	n := len(rows) / f.features
	if len(rows) != n*f.features || len(out) != n*stride {
		panic("forest: ContributionsBatch takes rows x Features values and gives rows x Classes x (Features + 1)")
	}
	t := f.explaining()
	var b *explainBlock
	for start := 0; start < n; start += blockRows {
		end := min(start+blockRows, n)
		in, to := rows[start*f.features:end*f.features], out[start*stride:end*stride]
		if t == nil || end-start < fewRows {
			for ; len(in) > 0; in, to = in[f.features:], to[stride:] {
				f.Contributions(to[:stride], in[:f.features])
			}
			continue
		}
		if b == nil {
			b = &explainBlock{masks: make([]uint64, f.sliced.masks), phi: make([]float64, stride*blockRows)}
		}
		b.explain(f, t, to, in)
	}
}

// explainBlock is the working memory for 64 rows.
type explainBlock struct {
	masks  []uint64
	values [blockRows]float32
	phi    []float64 // classes x (features + 1) x 64
}

// explain fills out for up to 64 rows.
func (b *explainBlock) explain(f *Forest, t *explanations, out []float64, rows []float32) {
	n := len(rows) / f.features
	f.sliced.fill(b.masks, &b.values, rows, f.features)
	clear(b.phi)
	stride := f.features + 1
	for i := range t.groups {
		g := &t.groups[i]
		var index [8]uint64 // one plane a bit
		for bit := range g.bits {
			index[bit&7] = b.rowsOf(&g.bits[bit])
		}
		transpose(&index)
		phi := b.phi[int(g.class)*stride*blockRows:]
		for k, feature := range g.features {
			to := (*[blockRows]float64)(phi[int(feature)*blockRows:])
			addValues(to, &index, (*[windowValues]float32)(t.tables[g.first+k:]))
		}
	}
	for class, expected := range f.expected {
		base := b.phi[(class*stride+f.features)*blockRows:][:blockRows]
		for r := range base {
			base[r] = expected
		}
	}
	all := f.classes * stride
	for value := range all {
		from := b.phi[value*blockRows:][:blockRows]
		for r := range n {
			out[r*all+value] = from[r]
		}
	}
}

// rowsOf is the rows whose outcome is so.
func (b *explainBlock) rowsOf(o *outcome) uint64 {
	rows := b.masks[o.notBelow]
	if o.anyLow {
		rows = ^uint64(0)
	}
	return rows &^ b.masks[o.reached]
}

// addValues adds to each row the value whose index lies in its byte of index;
// values stand groupWidth apart.
func addValues(acc *[blockRows]float64, index *[8]uint64, values *[windowValues]float32) {
	for k, w := range index {
		acc[k] += float64(values[int(uint8(w))*groupWidth])
		acc[k+8] += float64(values[int(uint8(w>>8))*groupWidth])
		acc[k+16] += float64(values[int(uint8(w>>16))*groupWidth])
		acc[k+24] += float64(values[int(uint8(w>>24))*groupWidth])
		acc[k+32] += float64(values[int(uint8(w>>32))*groupWidth])
		acc[k+40] += float64(values[int(uint8(w>>40))*groupWidth])
		acc[k+48] += float64(values[int(uint8(w>>48))*groupWidth])
		acc[k+56] += float64(values[int(uint8(w>>56))*groupWidth])
	}
}
