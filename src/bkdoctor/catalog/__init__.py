"""From pattern files to a catalogue that can be matched."""
