"""KoboldAI's API with KoboldCPP's additions."""
