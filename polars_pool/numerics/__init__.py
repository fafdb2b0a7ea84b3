"""Arrays in, arrays out, no statistics: segments of arrays, roots, minima, quadrature, mixtures of normals."""
