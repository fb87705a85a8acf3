"""資格確認: asking the eligibility gateway, and a simulated gateway that really checks what it is sent."""
