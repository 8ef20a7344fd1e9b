"""What people say around the matter itself: greetings, thanks, complaints, signatures."""

FIRST_NAMES = (
    "Ada",
    "Bruno",
    "Carla",
    "Dmitri",
    "Elif",
    "Farah",
    "Gustav",
    "Hana",
    "Ines",
    "José",
    "Kofi",
    "Lena",
    "Mateo",
    "Nadia",
    "Olga",
    "Priya",
    "Quentin",
    "Renée",
    "Samir",
    "Tessa",
    "Uma",
    "Victor",
    "Wanda",
    "Yusuf",
    "Zoë",
)
LAST_NAMES = (
    "Abbott",
    "Brandt",
    "Castillo",
    "Dalton",
    "Eriksen",
    "Fofana",
    "Grant",
    "Haddad",
    "Ivanova",
    "Jensen",
    "Kowalski",
    "Lindqvist",
    "Mbeki",
    "Novak",
    "Okoro",
    "Petit",
    "Quigley",
    "Rossi",
    "Sato",
    "Thornton",
    "Ueda",
    "Vargas",
    "Whitfield",
    "Yilmaz",
    "Zimmer",
)
AGENT_NAMES = ("Jules", "Morgan", "Robin", "Sasha", "Kim", "Alexis", "Toni", "Noor")
STREETS = ("Maple Lane", "Juniper Street", "Harbour Road", "Orchard Close", "Mill Avenue")
TOWNS = ("Northvale", "Eastmoor", "Southbay", "Westhaven", "Highridge")

HELLO = ("Hi", "Hello", "Hey there", "Good morning", "Hi there")
BOT_GREETING = (
    "Hi, I am the Larkspur bot. An agent will be with you in a moment.",
    "Welcome to Larkspur. Please describe your question, an agent will join.",
)
IVR = (
    "Welcome to Larkspur. This call may be recorded. Press one for support.",
    "Thank you for calling Larkspur. Your call will be answered shortly.",
)
PICK_UP = (
    "Thank you for calling Larkspur, this is {agent}. How can I help you?",
    "Larkspur support, {agent} speaking. What can I do for you?",
)
HOLD = (
    "Let me check that for you.",
    "One moment please, I am looking it up.",
    "Give me a second to open your file.",
)
ASK_LAST_FOUR = "To find your file: what are the last four digits of your social security number?"
DETAIL = (
    "It is about the {subject}.",
    "The {subject}.",
    "I mean the {subject}.",
    "{subject}, please.",
)
THANKS = (
    "That worked, thank you!",
    "Perfect, that solved it. Thanks a lot.",
    "Great, it works now. Thank you.",
    "Thank you, that is exactly what I needed.",
    "Thanks, problem solved.",
)
WELCOME = (
    "You are welcome. Have a nice day!",
    "Glad that it works. Have a good one!",
    "My pleasure. Goodbye!",
)
NOT_WHAT_I_ASKED = (
    "That is not what I asked. {query}",
    "No, that does not answer my question. {query}",
)
STILL_BROKEN = (
    "I tried that and it still does not work.",
    "No, that did not help at all. Still the same problem.",
    "It is still not working, this is not solved.",
)
TRY_LATER = (
    "Then please try once more tomorrow.",
    "That is all I can say from here, please keep an eye on it.",
)
ESCALATE = (
    "I will pass this on to our specialists, they will write to you within two days.",
    "I have to escalate this to the technical team. They will contact you.",
)
TRANSFER = (
    "That is a matter for another department, I will transfer you.",
    "I am transferring you to my colleagues in accounting.",
)
FINE = ("ok", "fine", "If you say so.", "Well, okay then.", "alright")
DISAPPOINTED = ("That does not help me.", "Well. I will look elsewhere.", "I see. Not helpful.")
SECOND_QUESTION = ("One more thing: {query}", "And another question. {query}")
APOLOGY = (
    "I am so sorry for the inconvenience and I apologize for the trouble. {answer}",
    "We sincerely apologize for any inconvenience this may have caused. {answer}",
    "{answer} Once again we are very sorry and apologize.",
)
RUDE = (
    "You could have read the manual yourself. {answer}",
    "As everybody knows: {answer}",
)

SUBJECTS = (
    "Question",
    "Help needed",
    "Support request",
    "Problem",
    "Quick question",
    "Please help",
)
SIGN_OFF = ("Thanks,", "Best,", "Kind regards,", "Cheers,", "Best regards,")
JOBS = ("Project Lead", "Account Executive", "Teacher", "Architect", "Nurse")
SENT_FROM = ("Sent from my phone", "Sent from my tablet", "Get the mail app for your phone")
DISCLAIMER = (
    "This message is confidential and meant for the addressee only. If you received it by"
    " mistake, please delete it and tell the sender."
)
SPAM = "Win a free holiday now! Visit www.prize.example and enter your code."
NEWSLETTER = (
    "Spring news from the Garden Club\n\nTulips are in bloom. Read ten tips for your balcony.\n\n"
    "You receive this mail because you subscribed. Unsubscribe: www.garden.example/leave"
)
OUT_OF_OFFICE = "Thank you for your mail. I am out of the office until Monday and will answer then."
BOUNCE = (
    "This is the mail system at host mx.example.net.\n\nYour message could not be delivered to one"
    " or more recipients.\n\n<{address}>: user unknown"
)
