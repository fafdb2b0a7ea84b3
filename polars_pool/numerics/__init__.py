"""Arrays in, arrays out, no statistics: roots, minima, quadrature, mixtures of normals."""
