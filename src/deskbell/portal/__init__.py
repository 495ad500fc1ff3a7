"""The portal: pages made on the server. It calls the rooms below and holds no rule of its own."""
