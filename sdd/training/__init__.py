"""What the LightningModule is made with: optimizer and schedule, the loss of an epoch, and what stored levels hold."""
