package exact

import "sync"

// A memo remembers what was evaluated with so many limbs, for several goroutines.
type memo[T any] struct {
	mu sync.Mutex
	of map[int]T
}

// at returns evaluate(limbs), which is called once for each number of limbs.
func (m *memo[T]) at(limbs int, evaluate func(limbs int) T) T {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.of[limbs]
	if !ok {
		v = evaluate(limbs)
		if m.of == nil {
			m.of = make(map[int]T)
		}
		m.of[limbs] = v
	}
	return v
}
