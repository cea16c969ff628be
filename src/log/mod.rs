//! One line per exchange.
