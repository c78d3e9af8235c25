"""Domains under which anybody may have an address: they never identify a company.

Belongs here: the list. Does not: taking a domain out of an address (`core.subjects`).
"""

from __future__ import annotations

_MAIL = """
    gmail.com googlemail.com yahoo.com ymail.com rocketmail.com hotmail.com outlook.com live.com
    msn.com passport.com aol.com aim.com icloud.com me.com mac.com protonmail.com proton.me pm.me
    gmx.com gmx.net gmx.de gmx.at gmx.ch web.de t-online.de freenet.de mail.com email.com usa.com
    zoho.com zohomail.com yandex.com yandex.ru mail.ru inbox.ru list.ru bk.ru rambler.ru
    fastmail.com fastmail.fm hushmail.com tutanota.com tutamail.com tuta.io hey.com duck.com
    mailinator.com guerrillamail.com 10minutemail.com yopmail.com trashmail.com tempmail.com
    comcast.net xfinity.com verizon.net att.net sbcglobal.net bellsouth.net pacbell.net
    ameritech.net swbell.net snet.net prodigy.net flash.net nvbell.net cox.net charter.net
    spectrum.net rr.com roadrunner.com twc.com earthlink.net mindspring.com juno.com netzero.net
    netzero.com frontier.com frontiernet.net centurylink.net centurytel.net embarqmail.com q.com
    windstream.net optonline.net optimum.net suddenlink.net cableone.net mediacombb.net wowway.com
    tds.net hughes.net peoplepc.com bresnan.net rogers.com sympatico.ca shaw.ca telus.net
    videotron.ca bell.net yahoo.ca hotmail.ca live.ca yahoo.co.uk hotmail.co.uk live.co.uk
    btinternet.com virginmedia.com sky.com ntlworld.com talktalk.net blueyonder.co.uk orange.fr
    wanadoo.fr free.fr laposte.net sfr.fr yahoo.fr hotmail.fr live.fr libero.it virgilio.it
    tiscali.it alice.it yahoo.it hotmail.it yahoo.es hotmail.es yahoo.de hotmail.de live.de
    outlook.de ziggo.nl planet.nl kpnmail.nl hetnet.nl telenet.be skynet.be bluewin.ch
    yahoo.com.br hotmail.com.br uol.com.br bol.com.br terra.com.br ig.com.br yahoo.com.mx
    hotmail.com.mx prodigy.net.mx yahoo.com.ar yahoo.co.in rediffmail.com yahoo.co.jp docomo.ne.jp
    ezweb.ne.jp softbank.ne.jp naver.com hanmail.net daum.net qq.com 163.com 126.com sina.com
    sohu.com foxmail.com bigpond.com bigpond.net.au optusnet.com.au yahoo.com.au xtra.co.nz
"""
_HOSTS = """
    facebook.com fb.com fb.me instagram.com linkedin.com twitter.com x.com youtube.com tiktok.com
    pinterest.com yelp.com google.com goo.gl g.page business.site sites.google.com maps.app.goo.gl
    linktr.ee wixsite.com wix.com weebly.com squarespace.com wordpress.com blogspot.com tumblr.com
    godaddysites.com myshopify.com etsy.com ebay.com amazon.com github.io gitlab.io netlify.app
    vercel.app herokuapp.com web.app firebaseapp.com pages.dev bit.ly tinyurl.com yellowpages.com
    angi.com thumbtack.com bbb.org nextdoor.com tripadvisor.com opentable.com doordash.com
    grubhub.com zillow.com realtor.com medium.com substack.com notion.site
"""

SHARED_DOMAINS = frozenset(_MAIL.split()) | frozenset(_HOSTS.split())
"""Mailbox and web hosts with their own sub-domains; a person there is nobody's employee."""
