"""The machine: sessions, weights, network, discovery."""
