"""Files from elsewhere, and packed files, brought whole and fsynced into the home's inbox."""
