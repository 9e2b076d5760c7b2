"""How the starter model is made: data, autoencoder, text encoder, denoiser, export, sheets."""
